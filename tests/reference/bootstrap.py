"""Slow twin of benchmark/bootstrap.py and evaluation/image_counts.py: one resample after another, one image after another.

Not responsible for speed; it shares no code with the package.
"""

import numpy as np
from reference.scores import iou, mean_over


def resampled_score(matrices: list[np.ndarray], drawn: list[int], seen: int, group: str) -> float | None:
    """mIoU of the images `drawn` (repeats count again), over "seen", "unseen", or the harmonic mean of both."""
    total = np.zeros_like(matrices[0])
    for number in drawn:
        total = total + matrices[number]
    values = iou(total)
    first, second = mean_over(values, list(range(seen))), mean_over(values, list(range(seen, len(total))))
    if group == "seen":
        return first
    if group == "unseen":
        return second
    if first is None or second is None:
        return None
    return 0.0 if first + second == 0 else 2 * first * second / (first + second)
