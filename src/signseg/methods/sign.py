"""SIGN, written out in full: E and SIM learn seen classes, G learns to imitate their features, C learns from both."""

from signseg.methods.recipe import Recipe
from signseg.precision import precision
from signseg.stages.step_a import StepA
from signseg.stages.step_b import StepB
from signseg.stages.step_c import StepC

SIGN = Recipe(
    name="sign",
    paper="SIGN: Spatial-information Incorporated Generative Network for Generalized Zero-shot Semantic Segmentation, ICCV 2021",
    steps={
        "step_a": lambda m: StepA(m.network, m.images, m.config.step_a, m.is_unseen, precision(m.config)),
        "step_b": lambda m: StepB(m.network, m.frozen, m.config.step_b),
        "step_c": lambda m: StepC(m.network, m.frozen, m.is_unseen, m.config.step_c),
    },
)
