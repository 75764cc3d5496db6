"""How much a difference between two lines depends on which test images there happen to be: a paired bootstrap over images.

Beside the interval over seeds, which holds the test images fixed, this one holds the trained models fixed.
"""

from collections.abc import Callable, Sequence

import numpy as np

from signseg.evaluation.image_counts import ImageCounts

RESAMPLES, LEVEL = 1000, 0.05
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {  # seen and unseen mIoU -> score; AUSUC needs more than one matrix
    "miou.seen": lambda seen, unseen: seen,
    "miou.unseen": lambda seen, unseen: unseen,
    "miou.harmonic": lambda seen, unseen: 2 * seen * unseen / np.where(seen + unseen > 0, seen + unseen, 1),
}


def weights(images: int, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """(resamples, images) float64: how often each image is in each resample of as many images, drawn with replacement."""
    drawn = np.random.default_rng(seed).integers(0, images, (resamples, images))
    found = np.zeros((resamples, images))
    np.add.at(found, (np.arange(resamples)[:, None], drawn), 1)
    return found


def resampled(counts: ImageCounts, times: np.ndarray, score: str) -> np.ndarray:
    """A score of each resample. (resamples,) float64, nan where a resample has no seen or no unseen class.

    Args:
        times: (resamples, images), see `weights`.
        score: a key of `SCORES`. As in evaluation/scores.py, classes in neither truth nor prediction stay out of the means.
    """
    hits, unions = times @ counts.hits(), times @ counts.unions()
    present = unions > 0
    iou = hits / np.where(present, unions, 1)
    groups = (slice(None, counts.seen), slice(counts.seen, None))
    seen, unseen = (_mean(iou[:, group], present[:, group]) for group in groups)
    return SCORES[score](seen, unseen)


def bootstrap_interval(
    pairs: Sequence[tuple[ImageCounts, ImageCounts]], score: str, *, factor: float = 1.0, margin: float = 0.0
) -> tuple[float, float] | None:
    """Percentile interval of left - factor * right + margin, averaged over `pairs` (seeds), all resampled with the same images.

    Returns:
        None without pairs, for another score than those of `SCORES`, or where the two sides were scored on other images.
    """
    sizes = {counts.images for pair in pairs for counts in pair}
    if not pairs or score not in SCORES or len(sizes) != 1 or 0 in sizes:
        return None
    times = weights(sizes.pop())
    differences = [resampled(left, times, score) - factor * resampled(right, times, score) + margin for left, right in pairs]
    mean = np.mean(differences, axis=0)
    mean = mean[np.isfinite(mean)]
    return (float(np.quantile(mean, LEVEL / 2)), float(np.quantile(mean, 1 - LEVEL / 2))) if len(mean) else None


def _mean(values: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Mean of each row over its present values; nan without any."""
    number = present.sum(axis=1)
    return np.where(number > 0, (values * present).sum(axis=1) / np.maximum(number, 1), np.nan)
