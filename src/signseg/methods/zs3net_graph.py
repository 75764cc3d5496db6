"""ZS3Net with graph context (ZS3Net-GC): features are generated for segments that know their neighbours, not for pixels alone."""

from signseg.methods.recipe import Recipe
from signseg.methods.zs3net import ZS3NET
from signseg.stages.graph_context import GraphStepB, GraphStepC

ZS3NET_GRAPH = Recipe(
    name="zs3net-gc",
    paper=ZS3NET.paper,
    steps=ZS3NET.steps
    | {
        "step_b": lambda m: GraphStepB(m.network, m.frozen, m.config.step_b),
        "step_c": lambda m: GraphStepC(m.network, m.frozen, m.is_unseen, m.config.step_c),
    },
    without=ZS3NET.without,
    settings=ZS3NET.settings | {"step_b.matching_weight": 0.1},  # release; Adam makes nothing of the weight of an only term
)
