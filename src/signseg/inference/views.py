"""What the network says about one picture: its scores from one or more views (sizes, mirrored), and how they become pixels.

Scores stay on the small feature grid until they are needed; pixels are made a strip of rows at a time, so that memory follows the picture
and not the number of classes times the picture.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from signseg.data.fitting import Size, content_size, fit_image
from signseg.errors import InputError
from signseg.inference.tiles import MOST_PIXELS, tiled_scores
from signseg.network import Network

STRIP_VALUES = 16_000_000  # scores of a strip, all classes together (64 MB)
SMALLEST_SCALE, LARGEST_SCALE, MOST_SCALES = 0.25, 4.0, 8
LARGEST_BIAS = 1000.0


@dataclass(frozen=True)
class Options:
    """How pictures are looked at; the defaults are one look at the picture as it is.

    bias: added to the scores of unseen classes (calibrated stacking; chosen by a --tuning run, or by hand).
    flips: the mirrored picture counts as much as the picture. scales: sizes over the picture's own that are averaged.
    probabilities, novelty: whether a prediction has these maps.
    """

    bias: float = 0.0
    flips: bool = False
    scales: tuple[float, ...] = (1.0,)
    probabilities: bool = False
    novelty: bool = False

    def __post_init__(self) -> None:
        if not abs(self.bias) <= LARGEST_BIAS:
            raise InputError(f"The bias is {self.bias}; give a number from {-LARGEST_BIAS:g} to {LARGEST_BIAS:g}.")
        if not 1 <= len(self.scales) <= MOST_SCALES or not all(SMALLEST_SCALE <= scale <= LARGEST_SCALE for scale in self.scales):
            wanted = f"1 to {MOST_SCALES} numbers from {SMALLEST_SCALE:g} to {LARGEST_SCALE:g}"
            raise InputError(f"The scales are {', '.join(f'{scale:g}' for scale in self.scales) or 'none'}; give {wanted}.")


@dataclass(frozen=True)
class View:
    """Scores of one look at the picture: (1, k, h, w) over exactly the picture's area, mirrored or not."""

    scores: Float[Tensor, "1 k h w"]
    mirrored: bool


def views(network: Network, image: Float[Tensor, "1 3 H W"], canvas: Size | None, options: Options) -> list[View]:
    """Look at a picture once for each scale, and again mirrored.

    Args:
        canvas: size of training that pictures are fitted into; None shows them at their own size (times the scale).
    """
    found = []
    for scale in options.scales:
        for mirrored in (False, True)[: 1 + options.flips]:
            shown = image.flip(3) if mirrored else image
            found.append(View(_look(network, shown, canvas, scale), mirrored))
    return found


@torch.no_grad()
def _look(network: Network, image: Float[Tensor, "1 3 H W"], canvas: Size | None, scale: float) -> Float[Tensor, "1 k h w"]:
    height, width = image.shape[2], image.shape[3]
    if canvas is None:
        size = max(8, round(height * scale)), max(8, round(width * scale))
        return _scores(network, image if scale == 1 else _shrunk(image, size))
    scaled = max(8, round(canvas[0] * scale)), max(8, round(canvas[1] * scale))
    scores, content = _scores(network, fit_image(image[0], scaled)[None]), content_size(height, width, scaled)
    if content == scaled:
        return scores
    return functional.interpolate(scores, size=scaled, mode="bilinear", align_corners=False)[..., : content[0], : content[1]]


def _scores(network: Network, image: Float[Tensor, "1 3 H W"]) -> Float[Tensor, "1 k h w"]:
    return network(image) if image.shape[2] * image.shape[3] <= MOST_PIXELS else tiled_scores(network, image)


def _shrunk(image: Tensor, size: Size) -> Tensor:
    return functional.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True).clamp(0, 1)


def strips(found: list[View], size: Size) -> Iterator[tuple[int, Float[Tensor, "k n W"]]]:
    """The mean score of all views at every pixel: (first row, scores) from the top to the bottom of a picture of `size`."""
    height, width = size
    rows = max(1, min(height, STRIP_VALUES // (found[0].scores.shape[1] * width)))
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        parts = [pixel_rows(view.scores, size, top, bottom) for view in found]
        turned = [part.flip(3) if view.mirrored else part for part, view in zip(parts, found, strict=True)]
        yield top, (turned[0] if len(turned) == 1 else torch.stack(turned).mean(0))[0]


def pixel_rows(scores: Float[Tensor, "1 k h w"], size: Size, top: int, bottom: int) -> Float[Tensor, "1 k n W"]:
    """Rows [top, bottom) of the scores enlarged bilinearly (align_corners False) to `size`."""
    if scores.shape[2:] == size:
        return scores[:, :, top:bottom]
    if (top, bottom) != (0, size[0]):
        place = ((torch.arange(top, bottom) + 0.5) * (scores.shape[2] / size[0]) - 0.5).clamp(min=0)
        above = place.long()
        below = (above + 1).clamp(max=scores.shape[2] - 1)
        scores = torch.lerp(scores[:, :, above], scores[:, :, below], (place - above)[:, None])
    return functional.interpolate(scores, size=(bottom - top, size[1]), mode="bilinear", align_corners=False)
