"""CSRL: ZS3Net with relations between classes kept on the way from words to features. Our formulation (losses/relations.py)."""

from signseg.methods.recipe import Recipe
from signseg.methods.zs3net import ZS3NET
from signseg.stages.step_b_relations import RelationalStepB

CSRL = Recipe(
    name="csrl",
    paper="Consistent Structural Relation Learning for Zero-Shot Segmentation, NeurIPS 2020 (our formulation: no official code)",
    steps=ZS3NET.steps | {"step_b": lambda m: RelationalStepB(m.network, m.frozen, m.config.step_b)},
    without=ZS3NET.without,
    settings=ZS3NET.settings
    | {
        "step_b.learning_rate": 5e-3,  # this and what follows: tuned (benchmarks/settings_search.py)
        "step_b.relations.pair_weight": 0.1,
        "step_b.relations.list_weight": 0.01,
    },
)
