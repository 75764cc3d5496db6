"""The seen-unseen curve: what happens to both mIoUs as a bias moves predictions from seen to unseen classes, and its area (AUSUC).

Chao et al., "An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object Recognition in the Wild", ECCV 2016. It reads
counts; it neither chooses which run a bias is taken from nor applies one to a prediction.
"""

import math
from typing import TypedDict

from signseg.evaluation.confusion import BIASES, Counts
from signseg.evaluation.scores import grouped_mean, iou_per_class


class CurvePoint(TypedDict):
    """Seen, unseen and harmonic mIoU at one bias. The two ends, minus and plus infinity, have the bias None, so that JSON can hold them."""

    bias: float | None
    seen: float | None
    unseen: float | None
    harmonic: float | None


def seen_unseen_curve(counts: Counts) -> list[CurvePoint] | None:
    """One point for each bias, from 'never unseen' to 'always unseen'; None where the split has no unseen class."""
    if counts.seen == counts.table.shape[-1]:
        return None
    points: list[CurvePoint] = []
    for bias, matrix in zip(BIASES, counts.matrices(), strict=True):
        miou = grouped_mean(iou_per_class(matrix), counts.is_unseen)
        shown = bias if math.isfinite(bias) else None
        points.append({"bias": shown, "seen": miou["seen"], "unseen": miou["unseen"], "harmonic": miou["harmonic"]})
    return points


def ausuc(curve: list[CurvePoint] | None) -> float | None:
    """Area under unseen over seen mIoU, by the trapezoid rule along the curve.

    Parts where a growing bias raises the seen mIoU (fewer false positives on unseen pixels; impossible with the accuracies of the article)
    count negatively, as in any integral along a path.
    Returns:
        The area as a fraction, or None without a curve or where the truth holds no seen or no unseen pixel.
    """
    if not curve:
        return None
    area = 0.0
    for left, right in zip(curve, curve[1:], strict=False):
        if left["seen"] is None or right["seen"] is None or left["unseen"] is None or right["unseen"] is None:
            return None
        area += (left["seen"] - right["seen"]) * (left["unseen"] + right["unseen"]) / 2
    return area


def best_bias(curve: list[CurvePoint] | None) -> float:
    """The finite bias with the largest harmonic mIoU, the smallest in size at a tie; 0 where no harmonic mIoU exists."""
    best, best_harmonic = 0.0, -1.0
    finite = [point for point in curve or [] if point["bias"] is not None and point["harmonic"] is not None]
    for point in sorted(finite, key=lambda point: abs(point["bias"] or 0.0)):
        if (point["harmonic"] or 0.0) > best_harmonic:
            best, best_harmonic = point["bias"] or 0.0, point["harmonic"] or 0.0
    return best
