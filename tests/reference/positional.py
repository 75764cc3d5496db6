"""Slow twins of modules/positional.py, written from methods.md 4.3: one sine at a time.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np


def sinusoids(rows: list[float], columns: list[float], channels: int) -> np.ndarray:
    """PE[2k] = sin(w_k column), PE[2k+1] = cos(w_k column), the same of the row in the second half; w_k = 10000^(-2k/D), D = channels/2."""
    half = channels // 2
    table = np.zeros((channels, len(rows), len(columns)))
    for k in range(half // 2):
        frequency = 10000 ** (-2 * k / half)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                table[2 * k, i, j] = math.sin(frequency * column)
                table[2 * k + 1, i, j] = math.cos(frequency * column)
                table[half + 2 * k, i, j] = math.sin(frequency * row)
                table[half + 2 * k + 1, i, j] = math.cos(frequency * row)
    return table


def spread(cells: int, length: float) -> list[float]:
    """(L - 1) j / (w - 1); a single cell stands at 0."""
    return [(length - 1) * j / (cells - 1) if cells > 1 else 0.0 for j in range(cells)]


def relative(channels: int, height: int, width: int, length: float) -> np.ndarray:
    """RPE: every map spans 0 ... L - 1."""
    return sinusoids(spread(height, length), spread(width, length), channels)


def absolute(channels: int, height: int, width: int) -> np.ndarray:
    """APE: cell numbers."""
    return sinusoids([float(i) for i in range(height)], [float(j) for j in range(width)], channels)


def absolute_interpolated(channels: int, height: int, width: int, training_grid: tuple[int, int]) -> np.ndarray:
    """APE of the training grid, interpolated linearly along rows, then along columns, first and last cells meeting."""
    table = absolute(channels, *training_grid)
    across = np.zeros((channels, training_grid[0], width))
    for j in range(width):
        place = j * (training_grid[1] - 1) / (width - 1) if width > 1 else 0.0
        left = min(int(place), training_grid[1] - 2)
        across[:, :, j] = table[:, :, left] * (1 - (place - left)) + table[:, :, left + 1] * (place - left)
    result = np.zeros((channels, height, width))
    for i in range(height):
        place = i * (training_grid[0] - 1) / (height - 1) if height > 1 else 0.0
        upper = min(int(place), training_grid[0] - 2)
        result[:, i] = across[:, upper] * (1 - (place - upper)) + across[:, upper + 1] * (place - upper)
    return result
