"""SPNet: pixel features are projected to the words of their classes, and unseen classes are just further words. Step a is all of it."""

from signseg.methods.recipe import Recipe
from signseg.methods.sign import SIGN

SPNET = Recipe(
    name="spnet",
    paper="Semantic Projection Network for Zero- and Few-Label Semantic Segmentation, CVPR 2019",
    steps={"step_a": SIGN.steps["step_a"]},
    without=("generator", "discriminator"),
    settings={
        "spatial.module": "none",
        "spatial.encoding": "none",
        "classifier.kind": "word-vectors",  # release: libs/models/deeplabv2.py; there E itself has d outputs, here a 1x1 projection
        "step_a.outputs": "seen",  # release: the softmax has the seen words alone
    },
)
