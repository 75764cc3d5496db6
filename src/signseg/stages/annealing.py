"""How much a pseudo-label counts in step four: ST gives every one weight 1, AST an annealed softmax of its confidence.

The temperature is fixed, or follows an estimate of what annealing is there to silence. No network, no loss.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from signseg.classes import UNANNOTATED
from signseg.config import SelfTrainingConfig


@dataclass(frozen=True)
class PseudoLabels:
    """Labels of a set of images, completed where the teacher had an opinion.

    labels: training ids; confidence: of the best unseen class, which is the assigned one where `assigned` is True.
    """

    labels: UInt8[Tensor, "n H W"]
    confidence: Float[Tensor, "n H W"]
    assigned: Bool[Tensor, "n H W"]


DECILES = np.arange(1, 11) / 10


def annealed_weights(confidence: Float[Tensor, "n H W"], assigned: Bool[Tensor, "n H W"], temperature: float) -> Float[Tensor, "n H W"]:
    """w = softmax(T c) over the pseudo-labelled pixels of an image, divided by its largest value: exp(T (c - max c)).

    The largest weight in an image is 1, temperature 0 gives 1 everywhere (ST), pixels without a pseudo-label get 0 (methods.md 6.3).
    """
    top = torch.where(assigned, confidence, -torch.inf).flatten(1).amax(1)[:, None, None]
    return torch.where(assigned, (temperature * (confidence - top)).exp(), 0.0)


def peak_in_image(pseudo: PseudoLabels, temperature: float) -> Float[Tensor, "n H W"]:
    """The release's form as intended: one softmax over all pseudo-labels of an image."""
    return annealed_weights(pseudo.confidence, pseudo.assigned, temperature)


def peak_in_class(pseudo: PseudoLabels, temperature: float) -> Float[Tensor, "n H W"]:
    """One softmax for each class in an image (ours, because classes that the model finds easy silence the others in the same image)."""
    weights = torch.zeros_like(pseudo.confidence)
    for position in pseudo.labels[pseudo.assigned].unique():
        weights += annealed_weights(pseudo.confidence, pseudo.assigned & (pseudo.labels == position), temperature)
    return weights


PEAKS: dict[str, Callable[[PseudoLabels, float], Tensor]] = {"image": peak_in_image, "class": peak_in_class}


def share_of_seen(pseudo: PseudoLabels) -> float:
    """An upper bound of the share of pseudo-labelled pixels that show a seen class which nobody annotated, from confidences alone.

    Pseudo-labelled pixels are a mixture: a share pi looks like annotated pixels of seen classes, so P(c <= t | pseudo) is at least
    pi P(c <= t | annotated) for every t, c being the confidence in the best unseen class. The smallest quotient over the deciles of the
    annotated pixels bounds pi (mixture proportion estimation as in learning from positive and unlabelled data; ours for this use).

    Returns:
        A number in [0, 1]; 0 without annotated or without pseudo-labelled pixels.
    """
    annotated = pseudo.confidence[(pseudo.labels < UNANNOTATED) & ~pseudo.assigned].numpy()
    assigned = np.sort(pseudo.confidence[pseudo.assigned].numpy())
    if not (len(annotated) and len(assigned)):
        return 0.0
    below = np.searchsorted(assigned, np.quantile(annotated, DECILES), side="right") / len(assigned)
    return float(min((below / DECILES).min(), 1.0))


def plain(pseudo: PseudoLabels, config: SelfTrainingConfig) -> float:
    """ST: all weights are 1."""
    return 0.0


def annealed(pseudo: PseudoLabels, config: SelfTrainingConfig) -> float:
    """AST: the same temperature for every data set and round, or one in proportion to the share that annealing is there to silence."""
    return config.temperature * SHARES[config.annealing](pseudo)


SHARES: dict[str, Callable[[PseudoLabels], float]] = {"fixed": lambda pseudo: 1.0, "share": share_of_seen}
TEMPERATURES: dict[str, Callable[[PseudoLabels, SelfTrainingConfig], float]] = {"st": plain, "ast": annealed}
