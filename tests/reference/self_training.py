"""Slow twins of stages/self_training.py, written from methods.md 6.2 and 6.3 one image and one pixel at a time.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np

UNANNOTATED = 254


def annealed_weights(confidence: np.ndarray, assigned: np.ndarray, temperature: float) -> np.ndarray:
    """softmax over the assigned pixels of an image of T times the confidence, divided by the largest one; 0 elsewhere. (n, H, W)."""
    weights = np.zeros(confidence.shape)
    for image in range(len(confidence)):
        places = np.argwhere(assigned[image]).tolist()
        exponentials = [math.exp(temperature * float(confidence[image, row, column])) for row, column in places]
        softmax = [value / sum(exponentials) for value in exponentials]
        for (row, column), value in zip(places, softmax, strict=True):
            weights[image, row, column] = value / max(softmax)
    return weights


def assign_unseen(scores: np.ndarray, labels: np.ndarray, seen: int, top_p: int) -> dict[tuple[int, int, int], tuple[int, float]]:
    """Where a pseudo-label is given: pixel -> (class, confidence). Scores (n, k, H, W), labels (n, H, W)."""
    given = {}
    n, k, height, width = scores.shape
    for image in range(n):
        for row in range(height):
            for column in range(width):
                if labels[image, row, column] != UNANNOTATED:
                    continue
                here = [float(value) for value in scores[image, :, row, column]]
                exponentials = [math.exp(value - max(here)) for value in here]
                ranking = sorted(range(k), key=lambda c: -here[c])
                chosen = next(c for c in ranking if c >= seen)
                if top_p == 0 or ranking.index(chosen) < top_p:
                    given[image, row, column] = (chosen, exponentials[chosen] / sum(exponentials))
    return given


def share_of_seen(annotated: list[float], assigned: list[float]) -> float:
    """Smallest P(assigned <= t) / q over the deciles t (of order q) of the annotated confidences."""
    quotients = []
    for tenth in range(1, 11):
        threshold = float(np.quantile(np.array(annotated, dtype=np.float32), tenth / 10))
        quotients.append(sum(value <= threshold for value in assigned) / len(assigned) / (tenth / 10))
    return min(1.0, *quotients)


def most_confident(confidence: np.ndarray, assigned: np.ndarray, share: float) -> set[tuple[int, int, int]]:
    """Pseudo-labelled pixels before whom less than `share` of their image's pseudo-labels are more confident. (n, H, W) twice."""
    kept = set()
    for image in range(len(confidence)):
        places = np.argwhere(assigned[image]).tolist()
        for position, (row, column) in enumerate(places):
            mine = confidence[image, row, column]
            before = sum(
                confidence[image, r, c] > mine or (confidence[image, r, c] == mine and other < position)
                for other, (r, c) in enumerate(places)
            )
            if before / len(places) < share:
                kept.add((image, row, column))
    return kept
