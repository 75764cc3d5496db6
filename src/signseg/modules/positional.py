"""The four answers to "where is this pixel?" that SIM can be given; none has weights.

Each maps a feature size to a (c, h, w) encoding: the first half of the channels depends on the column only, the second on the row only.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from signseg.config import SpatialConfig
from signseg.structures import Part

Encode = Callable[[int, int, int, SpatialConfig], Tensor]


def sinusoid(positions: Float[Tensor, "n"], channels: int) -> Float[Tensor, "c n"]:
    """sin and cos of `positions` at `channels`/2 frequencies w_k = 10000^(-2k/channels), interleaved (release: blocks.py)."""
    frequency = 10000.0 ** (-torch.arange(0, channels, 2, dtype=torch.float64) / channels)
    angle = frequency[:, None] * positions.double()
    return torch.stack([angle.sin(), angle.cos()], dim=1).flatten(0, 1)


def grid(columns: Tensor, rows: Tensor, channels: int) -> Float[Tensor, "c h w"]:
    """Encode column positions in the first half of the channels and row positions in the second."""
    half = channels // 2
    across = sinusoid(columns, half)[:, None, :].expand(-1, len(rows), -1)
    down = sinusoid(rows, half)[:, :, None].expand(-1, -1, len(columns))
    return torch.cat([across, down]).float()


def relative(channels: int, height: int, width: int, config: SpatialConfig) -> Float[Tensor, "c h w"]:
    """RPE: positions run from 0 to L-1 over any map, so that the same relative place has the same code.

    Source: the paper's equation for RPE; L = 512 in the release.
    """
    last = config.standard_length - 1
    return grid(torch.linspace(0, last, width), torch.linspace(0, last, height), channels)


def absolute(channels: int, height: int, width: int, config: SpatialConfig) -> Float[Tensor, "c h w"]:
    """APE: positions are cell numbers (release: defined, not used)."""
    return grid(torch.arange(width).float(), torch.arange(height).float(), channels)


def absolute_interpolated(channels: int, height: int, width: int, config: SpatialConfig) -> Float[Tensor, "c h w"]:
    """APE of the training grid, resized bilinearly to this one. The release has no code for it; corners are aligned (ours)."""
    trained = absolute(channels, *config.training_grid, config)
    return functional.interpolate(trained[None], size=(height, width), mode="bilinear", align_corners=True)[0]


def none(channels: int, height: int, width: int, config: SpatialConfig) -> Float[Tensor, "c h w"]:
    """Zeros: the same network, parameters and all, without a position."""
    return torch.zeros(channels, height, width)


def of_part(encode: Encode, channels: int, height: int, width: int, part: Part, config: SpatialConfig) -> Float[Tensor, "c h w"]:
    """A tile of height x width cells cut from the encoding of the whole map, which is never built: rows and columns are encoded apart."""
    across = encode(channels, 1, part.whole_width, config)[: channels // 2, :, part.left : part.left + width]
    down = encode(channels, part.whole_height, 1, config)[channels // 2 :, part.top : part.top + height, :]
    return torch.cat([across.expand(-1, height, -1), down.expand(-1, -1, width)])


ENCODINGS: dict[str, Encode] = {"relative": relative, "absolute": absolute, "absolute-interpolated": absolute_interpolated, "none": none}
