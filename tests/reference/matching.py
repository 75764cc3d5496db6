"""Slow twins of losses/matching.py, written from methods.md 4.2 and 5.1 as loops over pixels.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np


def mmd(real: np.ndarray, synthetic: np.ndarray, bandwidths: tuple[float, ...]) -> float:
    """sqrt(sum over s of 1/2 (mean k(P, P) + mean k(T, T) - 2 mean k(P, T))), k(x, y) = exp(-|x - y|^2 / (2 s)), biased."""

    def mean_kernel(left: np.ndarray, right: np.ndarray, bandwidth: float) -> float:
        total = 0.0
        for x in left:
            for y in right:
                total += math.exp(-float(((x - y) ** 2).sum()) / (2 * bandwidth))
        return total / (len(left) * len(right))

    total = 0.0
    for s in bandwidths:
        total += 0.5 * (mean_kernel(real, real, s) + mean_kernel(synthetic, synthetic, s) - 2 * mean_kernel(synthetic, real, s))
    return math.sqrt(total) if total > 0 else 0.0


def squared_error(real: np.ndarray, synthetic: np.ndarray, groups: list[list[int]]) -> float:
    """Mean over groups of the mean squared distance between the two features of a pixel. (p, c) twice, positions by group."""
    means = []
    for group in groups:
        distances = [sum((float(a) - float(b)) ** 2 for a, b in zip(real[pixel], synthetic[pixel], strict=True)) for pixel in group]
        means.append(sum(distances) / len(distances))
    return sum(means) / len(means)


def raster_runs(labels: list[int]) -> list[list[int]]:
    """Positions by run: a group ends whenever the label changes from one kept pixel to the next."""
    runs: list[list[int]] = []
    for position, label in enumerate(labels):
        if position == 0 or label != labels[position - 1]:
            runs.append([])
        runs[-1].append(position)
    return runs


def kl_to_standard_normal(mean: np.ndarray, log_variance: np.ndarray, mask: np.ndarray) -> float:
    """-1/2 mean(1 + log v - mu^2 - v) over masked pixels and channels; 0 over nothing. (b, c, h, w) twice and (b, h, w)."""
    terms = []
    b, c, h, w = mean.shape
    for image in range(b):
        for channel in range(c):
            for row in range(h):
                for column in range(w):
                    if mask[image, row, column]:
                        mu, log_v = float(mean[image, channel, row, column]), float(log_variance[image, channel, row, column])
                        terms.append(-0.5 * (1 + log_v - mu**2 - math.exp(log_v)))
    return float(np.mean(terms)) if terms else 0.0
