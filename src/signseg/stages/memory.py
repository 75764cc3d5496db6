"""A class-balanced memory of what E and SIM said about training pixels, small enough to travel with the model.

With it and the kept G, C can be refitted to a longer list of classes without a training image or a label. It stands in for
`FrozenFeatures` in steps b and c. No file is read or written here.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float16, Int64, UInt8
from torch import Tensor

from signseg.classes import UNANNOTATED
from signseg.data.training_images import TrainingImages
from signseg.data.transforms import shrink_labels
from signseg.network import Network
from signseg.stages.frozen_features import BLOCK
from signseg.structures import SpatialCode

MOST_BYTES = 31_000_000  # of the three maps; with the labels the file stays below 32 MB
CELLS_PER_CLASS = 1024


@dataclass(frozen=True)
class Memory:
    """Cells of the feature grid, at most as many of one class as of any other, chosen at random.

    base, mean, log_variance: the spatial code of each cell; classes: its training id, of a label, or of a pseudo-label after self-training;
    counts: how many cells each class had in the training split, so that batches can have its frequencies.
    """

    base: Float16[Tensor, "n c"]
    mean: Float16[Tensor, "n c"]
    log_variance: Float16[Tensor, "n c"]
    classes: UInt8[Tensor, "n"]
    counts: Int64[Tensor, "k"]

    def code(self, index: Int64[Tensor, "b"]) -> SpatialCode:
        """Codes of the cells `index`, as one row of a feature map: (1, c, 1, b)."""
        return SpatialCode(*(part[index].float().T[None, :, None] for part in (self.base, self.mean, self.log_variance)))

    def labels(self, index: Int64[Tensor, "b"]) -> Int64[Tensor, "1 1 b"]:
        """Training ids of the cells `index`."""
        return self.classes[index].long()[None, None]

    def draw(self, cells: int) -> Int64[Tensor, "cells"]:
        """Cells by chance, with the class frequencies of the training split."""
        remembered = torch.bincount(self.classes.long(), minlength=len(self.counts))
        weight = self.counts.double() / remembered.clamp(min=1)
        return torch.multinomial(weight[self.classes.long()], cells, replacement=True)

    def without(self, position: int) -> "Memory":
        """The memory after class `position` has left the list: later ids move down by one."""
        kept = self.classes != position
        moved = torch.where(self.classes > position, self.classes - 1, self.classes)[kept]
        counts = torch.cat([self.counts[:position], self.counts[position + 1 :]])
        return Memory(self.base[kept], self.mean[kept], self.log_variance[kept], moved, counts)


def cells_per_class(classes: int, channels: int) -> int:
    """How many cells of each class fit: CELLS_PER_CLASS, fewer for many classes or wide features, at least one."""
    return max(1, min(CELLS_PER_CLASS, MOST_BYTES // (classes * 3 * channels * 2)))


@torch.no_grad()
def remember(network: Network, images: TrainingImages, labels: UInt8[Tensor, "b H W"], classes: int, generator: torch.Generator) -> Memory:
    """Choose cells of every labelled class and compute their codes with the network as it is.

    Args:
        network: in eval mode, after the last training step, so that what is remembered is what C sees.
        labels: training ids of the images at any size: those of the training or, after self-training, with the model's own.
        classes: length of the class list.
        generator: of the choice.
    """
    first = network.code(images.batch(torch.arange(1)).images).base
    channels, height, width = first.shape[1:]
    grid = shrink_labels(labels, height, width).flatten()
    counts = torch.bincount(grid[grid < UNANNOTATED].long(), minlength=classes)
    limit = cells_per_class(classes, channels)
    chosen = []
    for position in range(classes):
        places = (grid == position).nonzero()[:, 0]
        chosen.append(places[torch.randperm(len(places), generator=generator)[:limit]])
    cells = torch.cat(chosen).sort().values
    parts = torch.empty(3, len(cells), channels, dtype=torch.float16)
    image, cell = cells // (height * width), cells % (height * width)
    for block in (image // BLOCK).unique().tolist():
        within = image // BLOCK == block
        code = network.code(images.batch(torch.arange(block * BLOCK, min((block + 1) * BLOCK, len(images)))).images)
        maps = torch.stack([code.base, code.mean, code.log_variance]).flatten(3)
        parts[:, within] = maps[:, image[within] - block * BLOCK, :, cell[within]].transpose(0, 1).half()
    return Memory(parts[0], parts[1], parts[2], grid[cells], counts)
