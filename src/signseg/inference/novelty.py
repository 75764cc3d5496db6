"""How much a pixel looks like no known class, from its scores alone: for out-of-distribution pixels, and for the classes nobody named yet.

The best score counts, not its softmax: where no class fits, all scores are low, and dividing them by one another hides that. Of the scores
compared on validation classes that a tuning run did not know, it told them from known classes best (lab notebook).
"""

import numpy as np
from jaxtyping import Float
from torch import Tensor

CERTAIN = 10.0  # a best score that no pixel of an unknown class has (99 % of them had less than 8 on the built-in world)


def novelty(scores: Float[Tensor, "k n W"]) -> Float[Tensor, "n W"]:
    """Minus the best score: the larger, the less any class fits (max-logit; Hendrycks et al., ICML 2022)."""
    return -scores.amax(0)


def as_grey(values: np.ndarray) -> np.ndarray:
    """(H, W) uint8 for a picture of the map: black at a best score of CERTAIN or more, white at 0 or less."""
    return ((values + CERTAIN) * (255 / CERTAIN)).round().clip(0, 255).astype(np.uint8)


def auroc(novel: np.ndarray, known: np.ndarray) -> float | None:
    """Chance that a pixel of `novel` has a higher value than one of `known`; ties count half. None where one of them is empty.

    Args:
        novel, known: values of any shape, of pixels of classes that were left out and of classes that the model knows.
    """
    novel, known = np.sort(novel.ravel()), np.sort(known.ravel())
    if not (len(novel) and len(known)):
        return None
    below, upto = (np.searchsorted(known, novel, side=side).mean(dtype=np.float64) for side in ("left", "right"))
    return float((below + upto) / 2 / len(known))
