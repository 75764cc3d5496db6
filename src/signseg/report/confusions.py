"""Which unseen classes are taken for which seen ones, and the other way round: the largest cells of a confusion matrix that cross over."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

SHOWN = 5


def crossings(matrix: np.ndarray, names: Sequence[str], unseen: Collection[str], shown: int = SHOWN) -> list[dict[str, Any]]:
    """The largest confusions between a seen and an unseen class, by the share of the true class's pixels that they take.

    Args:
        matrix: (k, k) pixels by truth and prediction.
        unseen: names of the classes without labels.
    Returns:
        [{"truth", "prediction", "share", "truth_is_unseen"}], the largest first; cells of no pixel are left out.
    """
    hidden = np.isin(list(names), list(unseen))
    pixels = matrix.sum(axis=1, keepdims=True)
    share = np.where(hidden[:, None] != hidden[None, :], matrix / np.maximum(pixels, 1), 0.0)
    order = np.argsort(-share, axis=None, kind="stable")[:shown]
    cells = [(int(cell) // len(names), int(cell) % len(names)) for cell in order]
    return [
        {"truth": names[t], "prediction": names[p], "share": float(share[t, p]), "truth_is_unseen": bool(hidden[t])}
        for t, p in cells
        if share[t, p] > 0
    ]


def spelled(pair: dict[str, Any]) -> str:
    """'unseen clay taken for sand: 31 %'."""
    kind = "unseen" if pair["truth_is_unseen"] else "seen"
    return f"{kind} {pair['truth']} taken for {pair['prediction']}: {100 * pair['share']:.0f} %"
