"""Slow twins of losses/segmentation.py and losses/adversarial.py, written from methods.md 5.1 one pixel at a time.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np


def pixel_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log softmax at the labelled class; 0 where the label is no class. (b, k, h, w) and (b, h, w) -> (b, h, w)."""
    b, k, h, w = scores.shape
    loss = np.zeros((b, h, w))
    for image in range(b):
        for row in range(h):
            for column in range(w):
                label = int(labels[image, row, column])
                if label < k:
                    here = [float(value) for value in scores[image, :, row, column]]
                    loss[image, row, column] = math.log(sum(math.exp(value - here[label]) for value in here))
    return loss


def weighted_mean(values: np.ndarray, weights: np.ndarray) -> float:
    """sum(w v) / sum(w), 0 where nothing weighs."""
    total, weight = 0.0, 0.0
    for value, w in zip(values.ravel(), weights.ravel(), strict=True):
        total += float(value) * float(w)
        weight += float(w)
    return total / weight if weight else 0.0


def gan_terms(real: list[float], synthetic: list[float], power: int) -> tuple[float, float]:
    """What D minimises, mean |D(x) - 1|^p + mean |D(x~)|^p, and what G minimises, mean |D(x~) - 1|^p."""
    towards_one = sum(abs(score - 1) ** power for score in real) / len(real)
    towards_zero = sum(abs(score) ** power for score in synthetic) / len(synthetic)
    fooled = sum(abs(score - 1) ** power for score in synthetic) / len(synthetic)
    return towards_one + towards_zero, fooled
