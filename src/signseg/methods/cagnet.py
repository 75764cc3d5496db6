"""CaGNet: SIGN without position. The contextual module alone gives the latent, and step c draws it from N(0, 1)."""

from signseg.methods.recipe import Recipe
from signseg.methods.sign import SIGN

CAGNET = Recipe(
    name="cagnet",
    paper="Context-aware Feature Generation for Zero-shot Semantic Segmentation, ACM MM 2020",
    steps=SIGN.steps,
    settings={
        "spatial.encoding": "none",
        "spatial.body": "identity",
        "step_b.learning_rate": 5e-3,  # tuned (benchmarks/settings_search.py), as the weight of the matching term
        "step_b.matching": "squared-error",  # paper: reconstruction loss; the release has MMD
        "step_b.matching_weight": 1.0,
        "step_c.latent": "noise",  # release
    },
)
