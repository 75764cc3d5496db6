"""Segments of training label maps and who touches whom: the graph of ZS3Net's graph context. It knows no network.

Regions without an annotated class belong to no segment, so that no segment has the outline of an unseen object.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from signseg.classes import UNANNOTATED

NOWHERE = -1  # the segment of a cell without a class
SELF = 2.0  # weight of a segment beside its neighbours (ours; with Kipf and Welling's 1, segments that all touch one another become alike)
NEIGHBOURS = (  # of (b, h, w): slices that lay every cell over the one below it, and over the one to its right
    ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ((slice(None), slice(None), slice(None, -1)), (slice(None), slice(None), slice(1, None))),
)


@dataclass(frozen=True)
class Segments:
    """The s connected regions of one class each in a batch of label maps, numbered by their first cell."""

    number: Int64[Tensor, "b h w"]  # segment of each cell, or NOWHERE
    first: Int64[Tensor, "s"]  # flat position of each segment's first cell
    labels: Int64[Tensor, "s"]
    adjacency: Float[Tensor, "s s"]


def find_segments(labels: Int64[Tensor, "b h w"]) -> Segments:
    """Connected regions (four neighbours) of equal training labels, and their graph."""
    root = first_cells(labels)
    first, number = root[root != NOWHERE].unique(return_inverse=True)
    numbers = torch.full_like(labels, NOWHERE)
    numbers[root != NOWHERE] = number
    return Segments(numbers, first, labels.flatten()[first], normalised(touching(numbers, len(first))))


def first_cells(labels: Int64[Tensor, "b h w"]) -> Int64[Tensor, "b h w"]:
    """For each cell, the smallest flat position in its connected region; NOWHERE where there is no class."""
    cells = torch.arange(labels.numel()).view(labels.shape)
    found = torch.where(labels < UNANNOTATED, cells, NOWHERE)
    before = torch.full_like(found, NOWHERE - 1)
    while not torch.equal(before, found):
        before = found.clone()
        for one, other in NEIGHBOURS:
            joined = labels[one] == labels[other]
            for here, there in ((one, other), (other, one)):
                found[here] = torch.where(joined, torch.minimum(found[here], found[there]), found[here])
        found = torch.where(found == NOWHERE, NOWHERE, found.flatten()[found.clamp(min=0)])  # that cell may know an earlier one
    return found


def touching(number: Int64[Tensor, "b h w"], segments: int) -> Float[Tensor, "s s"]:
    """1 where two segments have neighbouring cells, SELF on the diagonal."""
    graph = torch.zeros(segments, segments)
    for one, other in NEIGHBOURS:
        both = (number[one] != NOWHERE) & (number[other] != NOWHERE)
        graph[number[one][both], number[other][both]] = 1.0
        graph[number[other][both], number[one][both]] = 1.0
    return graph.fill_diagonal_(SELF)


def normalised(graph: Float[Tensor, "s s"]) -> Float[Tensor, "s s"]:
    """D^-1/2 A D^-1/2, where D has the row sums of A (Kipf and Welling, ICLR 2017)."""
    root = graph.sum(1).rsqrt()
    return root[:, None] * graph * root
