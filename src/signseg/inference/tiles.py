"""Scores of pictures too large for one pass: overlapping tiles, blended on the feature grid. What becomes of them is not decided here.

Every tile keeps its place: SIM's encoding of a tile is cut from the encoding of the whole picture (`positional.of_part`), because the
relative encoding says where in the *picture* a pixel is, and a tile with an encoding of its own would have a sky at its upper edge.
Tiles begin at multiples of the encoder's stride, so that their grids are parts of one grid. A cell nearer to a cut edge than OUTER has no
weight, since what lies beyond the edge is missing there; over the next RAMP cells the weight rises to 1. A tiled prediction of an encoder
whose reach is at most OUTER cells is the untiled one up to rounding; with a longer reach differences stay near the seams, and are small
as far as distant pixels matter little. Self-attention (`spatial.body=attention`) sees a tile only, whatever the overlap.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from signseg.network import Network
from signseg.structures import Part

OUTER = 32  # cells of no weight along a cut edge; the compact encoder with SIM reaches 29
RAMP = 16
MOST_PIXELS = 1_400_000  # of a picture that goes through the network in one piece
TILE = 288  # cells along the side of a tile, both margins included: 1152 pixels at stride 4


@dataclass(frozen=True)
class Tile:
    """Rows [top, bottom) and columns [left, right) of the feature grid."""

    top: int
    bottom: int
    left: int
    right: int


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Pieces of at most `tile` cells that cover `length` and share at least `overlap` with their neighbours, evenly spaced."""
    if length <= tile:
        return [(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    return [(start, start + tile) for start in (round(number * (length - tile) / (count - 1)) for number in range(count))]


def tiles(height: int, width: int, tile: int = TILE) -> Iterator[Tile]:
    """All tiles of a grid, row by row."""
    overlap = 2 * OUTER + RAMP
    for top, bottom in spans(height, tile, overlap):
        for left, right in spans(width, tile, overlap):
            yield Tile(top, bottom, left, right)


def ramp(start: int, end: int, length: int) -> Float[Tensor, "n"]:
    """Weights of the cells [start, end) of a line of `length`: 1, but falling to 0 towards edges that are not the picture's own."""
    cells = torch.arange(end - start, dtype=torch.float32)
    weight = torch.ones(end - start)
    if start > 0:
        weight = torch.minimum(weight, (cells + 1 - OUTER) / RAMP)
    if end < length:
        weight = torch.minimum(weight, (end - start - cells - OUTER) / RAMP)
    return weight.clamp(0, 1)


def grid_size(encoder: nn.Module, height: int, width: int) -> tuple[int, int]:
    """Size of the feature grid of a picture; shapes alone are computed."""
    shapes = copy.deepcopy(encoder).to("meta")
    rows, columns = shapes(torch.empty(1, 3, height, width, device="meta")).shape[2:]
    return int(rows), int(columns)


@torch.no_grad()
def tiled_scores(network: Network, image: Float[Tensor, "1 3 H W"], tile: int = TILE) -> Float[Tensor, "1 k h w"]:
    """Class scores of a whole picture on its feature grid, computed tile by tile."""
    stride = network.encoder.stride
    height, width = grid_size(network.encoder, image.shape[2], image.shape[3])
    total, weights = torch.zeros(0), torch.zeros(height, width)
    for place in tiles(height, width, tile):
        rows = slice(place.top * stride, place.bottom * stride if place.bottom < height else None)
        columns = slice(place.left * stride, place.right * stride if place.right < width else None)
        part = Part(place.top, place.left, height, width)
        scores = network.tile_scores(image[:, :, rows, columns], part)[0, :, : place.bottom - place.top, : place.right - place.left]
        weight = ramp(place.top, place.bottom, height)[:, None] * ramp(place.left, place.right, width)
        if not total.numel():
            total = torch.zeros(len(scores), height, width)
        total[:, place.top : place.bottom, place.left : place.right] += weight * scores
        weights[place.top : place.bottom, place.left : place.right] += weight
    return (total / weights)[None]
