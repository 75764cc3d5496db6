"""ZS3Net: a generator from words and plain noise, matched by MMD alone, and a linear classifier on its features. No spatial module.

The release lays synthetic features out by the true label map of images with unseen classes, which no user has; words are placed by a
class prior instead, as in step c of SIGN.
"""

from signseg.methods.recipe import Recipe
from signseg.methods.sign import SIGN

ZS3NET = Recipe(
    name="zs3net",
    paper="Zero-Shot Semantic Segmentation, NeurIPS 2019",
    steps=SIGN.steps,
    without=("discriminator",),
    settings={
        "spatial.module": "none",
        "spatial.encoding": "none",
        "generator.hidden": (256,),  # release: one hidden layer of 256
        "generator.dropout": (0.5,),  # release
        "classifier.kind": "linear",  # release: the last 1x1 convolution
        "step_b.adversarial": "none",
        "step_b.matching_weight": 1.0,
        "step_b.bandwidths": (2, 5, 10, 20, 40, 80),  # release; the paper says 60
        "step_c.latent": "noise",  # paper: Gaussian; the release draws from [0, 1)
        "step_c.learning_rate": 1e-2,  # tuned (benchmarks/settings_search.py)
    },
)
