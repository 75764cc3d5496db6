"""Scores from counts alone: IoU, pixel accuracy and mean accuracy over seen, unseen and all classes, and their harmonic means.

Definitions follow SPNet's release, which CaGNet and SIGN share. Nothing here sees an image; a mean over nothing is None, never 0.
"""

from typing import TypedDict

import torch
from jaxtyping import Bool, Int64
from torch import Tensor


class Grouped(TypedDict):
    """One kind of score, as fractions, over the seen classes, the unseen classes and all classes."""

    seen: float | None
    unseen: float | None
    harmonic: float | None
    all: float | None


class Scores(TypedDict):
    """The score part of a row of results.json."""

    miou: Grouped
    pixel_accuracy: Grouped
    mean_accuracy: Grouped
    iou_per_class: dict[str, float | None]


def score(matrix: Int64[Tensor, "k k"], is_unseen: Bool[Tensor, " k"], names: tuple[str, ...]) -> Scores:
    """All scores of one confusion matrix over the whole split.

    Args:
        matrix: pixels by (truth, prediction) in training ids.
        is_unseen: True at unseen classes.
        names: class names in the order of the matrix.
    """
    iou = iou_per_class(matrix)
    return {
        "miou": grouped_mean(iou, is_unseen),
        "pixel_accuracy": pixel_accuracy(matrix, is_unseen),
        "mean_accuracy": grouped_mean(accuracy_per_class(matrix), is_unseen),
        "iou_per_class": dict(zip(names, iou, strict=True)),
    }


def iou_per_class(matrix: Int64[Tensor, "k k"]) -> list[float | None]:
    """Hits over the union of truth and prediction; None where a class is in neither.

    The union counts false positives on pixels of every other class, seen or unseen, so the score is a generalized one.
    """
    hits = matrix.diagonal()
    return _ratios(hits, matrix.sum(dim=0) + matrix.sum(dim=1) - hits)


def accuracy_per_class(matrix: Int64[Tensor, "k k"]) -> list[float | None]:
    """Share of a class's pixels that are predicted as it; None where a class has no pixel."""
    return _ratios(matrix.diagonal(), matrix.sum(dim=1))


def pixel_accuracy(matrix: Int64[Tensor, "k k"], is_unseen: Bool[Tensor, " k"]) -> Grouped:
    """Share of all pixels, of seen-class pixels and of unseen-class pixels that are predicted right."""
    hits, pixels = matrix.diagonal(), matrix.sum(dim=1)
    seen, unseen, both = _ratios(
        torch.stack([hits[~is_unseen].sum(), hits[is_unseen].sum(), hits.sum()]),
        torch.stack([pixels[~is_unseen].sum(), pixels[is_unseen].sum(), pixels.sum()]),
    )
    return {"seen": seen, "unseen": unseen, "harmonic": harmonic(seen, unseen), "all": both}


def grouped_mean(values: list[float | None], is_unseen: Bool[Tensor, " k"]) -> Grouped:
    """Unweighted mean over the classes of each group that have a value."""
    unseen_flags = is_unseen.tolist()
    seen = mean(value for value, unseen in zip(values, unseen_flags, strict=True) if not unseen)
    unseen = mean(value for value, unseen in zip(values, unseen_flags, strict=True) if unseen)
    return {"seen": seen, "unseen": unseen, "harmonic": harmonic(seen, unseen), "all": mean(values)}


def mean(values) -> float | None:
    """Mean of the values that are not None; None if there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def harmonic(seen: float | None, unseen: float | None) -> float | None:
    """H = 2 S U / (S + U); 0 where both are 0, None where either is None."""
    if seen is None or unseen is None:
        return None
    return 2 * seen * unseen / (seen + unseen) if seen + unseen > 0 else 0.0


def _ratios(numerators: Int64[Tensor, " n"], denominators: Int64[Tensor, " n"]) -> list[float | None]:
    return [top / bottom if bottom else None for top, bottom in zip(numerators.tolist(), denominators.tolist(), strict=True)]
