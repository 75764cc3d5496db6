"""Slow twin of evaluation/scores.py and curve.py, written from the formulas as sums over cells of the confusion matrix.

Not responsible for speed; it shares no code with the package.
"""

import numpy as np


def iou(matrix: np.ndarray) -> list[float | None]:
    """IoU_c = M_cc / (sum_p M_cp + sum_g M_gc - M_cc), None for 0 / 0."""
    k = len(matrix)
    values: list[float | None] = []
    for c in range(k):
        union = 0
        for truth in range(k):
            for prediction in range(k):
                if truth == c or prediction == c:
                    union += int(matrix[truth, prediction])
        values.append(int(matrix[c, c]) / union if union else None)
    return values


def recall(matrix: np.ndarray) -> list[float | None]:
    """M_cc / sum_p M_cp, None for 0 / 0."""
    k = len(matrix)
    values: list[float | None] = []
    for c in range(k):
        pixels = sum(int(matrix[c, prediction]) for prediction in range(k))
        values.append(int(matrix[c, c]) / pixels if pixels else None)
    return values


def mean_over(values: list[float | None], members: list[int]) -> float | None:
    """Mean over the classes in `members` that have a value."""
    known = []
    for c in members:
        if values[c] is not None:
            known.append(values[c])
    return float(np.mean(known)) if known else None


def accuracy_over(matrix: np.ndarray, members: list[int]) -> float | None:
    """Right pixels over pixels of the classes in `members`."""
    hits = sum(int(matrix[c, c]) for c in members)
    pixels = sum(int(matrix[c, p]) for c in members for p in range(len(matrix)))
    return hits / pixels if pixels else None


def polygon_area(points: list[tuple[float, float]]) -> float:
    """Signed area between a path and the horizontal axis, by the shoelace formula over the closed polygon."""
    corners = [*points, (points[-1][0], 0.0), (points[0][0], 0.0)]
    total = 0.0
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        total += x0 * y1 - x1 * y0
    return total / 2
