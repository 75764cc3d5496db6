"""Slow twins of losses/relations.py, written from methods.md 4.8 one pair of classes at a time.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np


def cosines(vectors: np.ndarray) -> list[list[float]]:
    """Cosine of every two rows; 0 where a row is 0. (k, n) -> k lists of k."""
    norms = [math.sqrt(sum(float(value) ** 2 for value in row)) or 1.0 for row in vectors]
    return [
        [sum(float(a) * float(b) for a, b in zip(x, y, strict=True)) / (norms[i] * norms[j]) for j, y in enumerate(vectors)]
        for i, x in enumerate(vectors)
    ]


def centred(generated: np.ndarray) -> np.ndarray:
    """Rows without the part that all of them share."""
    return generated - sum(generated) / len(generated)


def pairwise(words: np.ndarray, generated: np.ndarray, temperature: float) -> float:
    """Mean over i of sum over j of P_ij log(P_ij / Q_ij), P and Q softmaxes of cosines over j other than i."""
    near, found = cosines(words), cosines(centred(generated))
    total, k = 0.0, len(words)
    for i in range(k):
        rest = [j for j in range(k) if j != i]
        p, q = ([math.exp(row[j] / temperature) for j in rest] for row in (near[i], found[i]))
        total += sum(a / sum(p) * math.log((a / sum(p)) / (b / sum(q))) for a, b in zip(p, q, strict=True))
    return total / k


def listwise(words: np.ndarray, generated: np.ndarray, temperature: float, length: int) -> float:
    """Mean over i of - sum over the first places of log(exp(s) of the class in that place / sum of exp(s) of classes not yet placed)."""
    near, found = cosines(words), cosines(centred(generated))
    total, k = 0.0, len(words)
    for i in range(k):
        order = sorted((j for j in range(k) if j != i), key=lambda j: -near[i][j])
        for place in range(min(length, k - 1)):
            left = sum(math.exp(found[i][j] / temperature) for j in order[place:])
            total -= math.log(math.exp(found[i][order[place]] / temperature) / left)
    return total / k
