"""Slow twins of stages/segments.py and of G on a graph, written as one would do it by hand: by flood fill, and pair by pair.

Not responsible for speed; it shares no code with the package.
"""

import math

import numpy as np

UNANNOTATED = 254


def around(row: int, column: int, labels: np.ndarray) -> list[tuple[int, int]]:
    """The up to four neighbours of a cell of (h, w)."""
    places = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [(r, c) for r, c in places if 0 <= r < labels.shape[0] and 0 <= c < labels.shape[1]]


def segments(labels: np.ndarray) -> np.ndarray:
    """Number of each cell's region, counted image by image from the top left; -1 without a class. (b, h, w)."""
    number = np.full(labels.shape, -1)
    count = 0
    for image, row, column in np.ndindex(labels.shape):
        if labels[image, row, column] >= UNANNOTATED or number[image, row, column] >= 0:
            continue
        todo = [(row, column)]
        while todo:
            here = todo.pop()
            number[image][here] = count
            todo += [p for p in around(*here, labels[image]) if number[image][p] < 0 and labels[image][p] == labels[image][here]]
        count += 1
    return number


def adjacency(number: np.ndarray) -> np.ndarray:
    """A_ij / sqrt(d_i d_j), A_ij = 1 for regions that touch and 2 for i = j, d_i the sum of row i."""
    count = int(number.max()) + 1
    touching = [{segment} for segment in range(count)]
    for image, row, column in np.ndindex(number.shape):
        here = int(number[image, row, column])
        for place in around(row, column, number[image]):
            there = int(number[image][place])
            if here >= 0 and there >= 0:
                touching[here].add(there)
    result = np.zeros((count, count))
    for i in range(count):
        for j in touching[i]:
            result[i, j] = (2 if i == j else 1) / math.sqrt((len(touching[i]) + 1) * (len(touching[j]) + 1))
    return result


def graph_generator(nodes: np.ndarray, graph: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """LeakyReLU 0.2 between layers, sigmoid at the end; a layer maps the weighed sum over a node's neighbours. (n, d) -> (n, c)."""
    for position, (weight, bias) in enumerate(layers):
        rows = []
        for i in range(len(nodes)):
            mixed = sum(graph[i, j] * nodes[j] for j in range(len(nodes)))
            row = [float(w @ mixed) + float(b) for w, b in zip(weight, bias, strict=True)]
            last = position == len(layers) - 1
            rows.append([1 / (1 + math.exp(-v)) if last else v if v > 0 else 0.2 * v for v in row])
        nodes = np.array(rows)
    return nodes
