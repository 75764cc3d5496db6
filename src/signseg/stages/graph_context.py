"""Steps b and c with ZS3Net's graph context: G makes one feature for each segment of a label map, and neighbouring segments shape it.

Segments come from training labels, which name seen classes only (the release takes the true outlines of unseen objects, which no user has).
"""

import torch
from torch import Tensor

from signseg.network import Network
from signseg.stages.segments import NOWHERE, Segments, find_segments
from signseg.stages.step_b import StepB
from signseg.stages.step_c import StepC
from signseg.structures import Features, Synthesis


def segment_features(network: Network, segments: Segments, classes: Tensor, latent: Tensor) -> Tensor:
    """(s, c) features that G makes of the segments' words `classes` (s,), each with the latent of its first cell, on their graph."""
    noise = latent.permute(0, 2, 3, 1).flatten(0, 2)[segments.first]
    return network.generator(network.embedding_map(classes), noise, segments.adjacency)


class GraphStepB(StepB):
    """All cells of a segment share its feature; real and synthetic cells are matched as in `StepB`."""

    def synthesise(self, labels: Tensor, latent: Tensor) -> Tensor:
        segments = find_segments(labels)
        return segment_features(self.network, segments, segments.labels, latent)[segments.number[segments.number != NOWHERE]]


class GraphStepC(StepC):
    """Some segments of a real label map get another class's word, drawn as in `StepC`; cells outside segments have no class."""

    def synthesise(self, labels: Tensor, drawn: Features) -> Synthesis:
        segments, placed = find_segments(labels), self.place_words(labels)
        classes = placed.flatten()[segments.first]
        made = segment_features(self.network, segments, classes, self.latent(drawn))
        inside = segments.number != NOWHERE
        pixel, given = torch.zeros(*labels.shape, made.shape[1]), labels.clone()
        pixel[inside], given[inside] = made[segments.number[inside]], classes[segments.number[inside]]
        return Synthesis(pixel.permute(0, 3, 1, 2), given)

    def place_words(self, labels: Tensor) -> Tensor:
        """The class that each cell offers to its segment: drawn, or the one it has."""
        swapped = torch.rand(labels.shape) < self.config.swapped_segments
        return torch.where(swapped, super().place_words(labels), labels)
