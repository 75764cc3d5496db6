"""Slow twin of evaluation/confusion.py, written from the definition: loop over pixels, add the bias, take the first maximum.

Not responsible for speed; it shares no code with the package.
"""

import numpy as np


def confusion_matrix(scores: np.ndarray, labels: np.ndarray, seen: int, bias: float, ignore: int = 255) -> np.ndarray:
    """(k, H, W) float scores and (H, W) labels -> (k, k) counts by truth and prediction."""
    k, height, width = scores.shape
    matrix = np.zeros((k, k), dtype=np.int64)
    for row in range(height):
        for column in range(width):
            truth = int(labels[row, column])
            if truth == ignore:
                continue
            best, best_score = None, None
            for candidate in range(k):
                value = float(scores[candidate, row, column])
                if candidate >= seen:
                    value = bias if np.isinf(bias) else value + bias
                if np.isinf(bias) and bias > 0 and candidate < seen:
                    continue
                if np.isinf(bias) and bias > 0:
                    value = float(scores[candidate, row, column])
                if best is None or value > best_score:
                    best, best_score = candidate, value
            matrix[truth, best] += 1
    return matrix
