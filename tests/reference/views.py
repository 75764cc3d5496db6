"""Slow twins of stages/views.py, written from methods.md 4.10 one pixel at a time.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np


def bilinear(map_: np.ndarray, height: int, width: int) -> np.ndarray:
    """Each new pixel is a mean of the four old ones around its middle, weighed by nearness; borders are repeated. (h, w)."""
    rows, columns = map_.shape
    result = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * rows / height - 0.5, 0), rows - 1)
            x = min(max((j + 0.5) * columns / width - 0.5, 0), columns - 1)
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            upper = (1 - (x - left)) * map_[top, left] + (x - left) * map_[top, right]
            lower = (1 - (x - left)) * map_[bottom, left] + (x - left) * map_[bottom, right]
            result[i, j] = (1 - (y - top)) * upper + (y - top) * lower
    return result


def same_choice(scores: list[np.ndarray], unseen: list[int]) -> np.ndarray:
    """Where the best of the `unseen` classes is the same in all maps. Each map is (k, h, w)."""
    _, height, width = scores[0].shape
    same = np.zeros((height, width), dtype=bool)
    for row in range(height):
        for column in range(width):
            choices = {max(unseen, key=lambda c, view=view: view[c, row, column]) for view in scores}
            same[row, column] = len(choices) == 1
    return same
