"""What E and SIM say about every training image once they are frozen: computed once, on first use, and shared by steps b and c."""

from typing import Protocol

import torch
from torch import Tensor

from signseg.data.training_images import TrainingImages
from signseg.data.transforms import shrink_labels
from signseg.network import Network
from signseg.structures import SpatialCode

BLOCK = 16  # images computed together; fixed, so that a resumed run sees the same numbers


class Codes(Protocol):
    """Spatial codes with labels, by number: of images here, of single cells in `memory.py`."""

    def code(self, index: Tensor) -> SpatialCode: ...

    def labels(self, index: Tensor) -> Tensor: ...


class FrozenFeatures:
    """Spatial codes (half precision) and grid labels of the training images.

    The latent is drawn anew from the code at each use, so that sampling costs no pass through E and SIM.
    E and SIM must be in eval mode, as `only_training` leaves them in every step that does not train them.
    """

    def __init__(self, network: Network, images: TrainingImages) -> None:
        self.network, self.images = network, images
        self.filled = torch.zeros(len(images), dtype=torch.bool)
        self.maps = torch.empty(0)
        self.grid = torch.empty(0)

    def code(self, index: Tensor) -> SpatialCode:
        """Spatial codes of the images `index` (b,)."""
        for block in (index // BLOCK).unique().tolist():
            if not self.filled[block * BLOCK]:
                self._fill(torch.arange(block * BLOCK, min((block + 1) * BLOCK, len(self.images))))
        base, mean, log_variance = self.maps[index].float().unbind(1)
        return SpatialCode(base, mean, log_variance)

    def labels(self, index: Tensor) -> Tensor:
        """(b, h, w) int64 training labels of the images `index` on the feature grid."""
        return self.grid[index].long()

    @torch.no_grad()
    def _fill(self, index: Tensor) -> None:
        code = self.network.code(self.images.batch(index).images)
        if not self.filled.any():
            channels, height, width = code.base.shape[1:]
            self.maps = torch.empty(len(self.images), 3, channels, height, width, dtype=torch.float16)
            self.grid = shrink_labels(self.images.labels, height, width)
        self.maps[index] = torch.stack([code.base, code.mean, code.log_variance], dim=1).half()
        self.filled[index] = True
