"""Pictures to tensors and labels to other resolutions. Label maps are resized by rules that never invent a label."""

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional

from signseg.classes import IGNORE, UNANNOTATED


def to_tensor(images: np.ndarray) -> Float[Tensor, "b 3 H W"]:
    """(b, H, W, 3) uint8 -> float in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0


def from_tensor(image: Float[Tensor, "3 H W"]) -> np.ndarray:
    """[0, 1] -> (H, W, 3) uint8, rounded; the inverse of `to_tensor` for one image."""
    return np.ascontiguousarray((255 * image).round().to(torch.uint8).permute(1, 2, 0).numpy())


def flip(maps: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the last axis (columns) of the chosen rows of a batch."""
    return torch.where(chosen.view(-1, *[1] * (maps.dim() - 1)), maps.flip(-1), maps)


def shrink_labels(labels: UInt8[Tensor, "b H W"], height: int, width: int) -> UInt8[Tensor, "b h w"]:
    """Labels on a coarser grid: the nearest pixel's label (release), but a cell that mixes annotated and unannotated pixels is a border.

    A border cell whose nearest pixel is unannotated becomes IGNORE, so that self-training does not paint the rims of labelled objects
    (ours, because the release treats both alike; world.md reports what happens then).
    """
    if labels.shape[1:] == (height, width):
        return labels
    nearest = functional.interpolate(labels[:, None].float(), size=(height, width), mode="nearest-exact")[:, 0]
    annotated = (labels[:, None] != UNANNOTATED).float()
    mixed = functional.adaptive_max_pool2d(annotated, (height, width))[:, 0] > 0
    return torch.where((nearest == UNANNOTATED) & mixed, float(IGNORE), nearest).to(torch.uint8)


def grid_labels(labels: Int64[Tensor, "b H W"], height: int, width: int) -> Int64[Tensor, "b h w"]:
    """`shrink_labels` for the int64 labels of a batch."""
    return shrink_labels(labels.to(torch.uint8), height, width).long()
