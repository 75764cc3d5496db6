"""Slow twin of label shrinking in data/transforms.py, written as its rule reads: one cell at a time.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np

IGNORE, UNANNOTATED = 255, 254


def shrink_labels(labels: np.ndarray, height: int, width: int) -> np.ndarray:
    """The label of the pixel under each cell's middle; IGNORE where that pixel is unannotated but the cell has annotated ones. (H, W)."""
    rows, columns = labels.shape
    result = np.zeros((height, width), dtype=np.uint8)
    for i in range(height):
        for j in range(width):
            middle = labels[int((i + 0.5) * rows / height), int((j + 0.5) * columns / width)]
            top, bottom = i * rows // height, math.ceil((i + 1) * rows / height)
            left, right = j * columns // width, math.ceil((j + 1) * columns / width)
            cell = labels[top:bottom, left:right]
            border = middle == UNANNOTATED and (cell != UNANNOTATED).any()
            result[i, j] = IGNORE if border else middle
    return result
