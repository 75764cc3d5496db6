"""Pictures of any size at the size of training: the aspect ratio stays, the rest of the canvas is filled and never has a label.

One rule for training, evaluation and prediction, so that a model sees things as large as it learned them.
"""

import statistics
from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from signseg.classes import IGNORE
from signseg.data.dataset import HasSizes, Picture

Size = tuple[int, int]  # height, width

LONGEST = 256  # side of the default canvas: 500 pictures train with the preset `quick` in under 30 minutes on two cores


def canvas_for(pictures: Sequence[Picture]) -> Size | None:
    """The size to train at where none is asked for; None for pictures that are made at one size (the built-in world).

    Pictures of one size of at most LONGEST stay as they are. Otherwise the canvas has the median aspect ratio of the pictures, which
    are not enlarged beyond the largest of them.
    """
    if not isinstance(pictures, HasSizes):
        return None
    sizes = pictures.sizes()
    longest = max(max(size) for size in sizes)
    if len(set(sizes)) == 1 and longest <= LONGEST:
        return sizes[0]
    aspect = statistics.median(width / height for height, width in sizes)
    side = min(longest, LONGEST)
    return max(1, round(side / max(aspect, 1))), max(1, round(side * min(aspect, 1)))


def content_size(height: int, width: int, canvas: Size) -> Size:
    """The part of the canvas that a picture of height x width covers, from its top left corner. A gap of less than a pixel is closed."""
    scale = min(canvas[0] / height, canvas[1] / width)
    return _side(height * scale, canvas[0]), _side(width * scale, canvas[1])


def _side(exact: float, most: int) -> int:
    return most if most - exact < 1 else max(1, round(exact))


def fit_image(image: Float[Tensor, "3 H W"], canvas: Size) -> Float[Tensor, "3 h w"]:
    """The image on the canvas: bilinear with antialiasing, what it does not cover in its mean colour."""
    size = content_size(image.shape[1], image.shape[2], canvas)
    if image.shape[1:] != size:
        image = functional.interpolate(image[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0].clamp(0, 1)
    if size == canvas:
        return image
    fitted = image.mean((1, 2), keepdim=True).expand(-1, *canvas).clone()
    fitted[:, : size[0], : size[1]] = image
    return fitted


def fit_labels(labels: UInt8[Tensor, "H W"], canvas: Size) -> UInt8[Tensor, "h w"]:
    """Labels on the canvas: the nearest pixel's label, IGNORE where the picture does not reach."""
    size = content_size(labels.shape[0], labels.shape[1], canvas)
    rows, columns = (_nearest(cells, side) for cells, side in zip(size, labels.shape, strict=True))
    fitted = torch.full(canvas, IGNORE, dtype=torch.uint8)
    fitted[: size[0], : size[1]] = labels[rows][:, columns]
    return fitted


def _nearest(cells: int, side: int) -> Tensor:
    """The pixel of `side` under the centre of each of `cells`, in whole numbers, so that no rounding decides. (cells,) int64."""
    return (2 * torch.arange(cells) + 1) * side // (2 * cells)


def scores_at(scores: Float[Tensor, "b k h w"], size: Size, canvas: Size | None) -> Float[Tensor, "b k H W"]:
    """Scores of fitted pictures of `size` at that size again: enlarged bilinearly, without what lies beyond the picture.

    Args:
        canvas: where the pictures were fitted; None if the model saw them at their own size.
    """
    content = size if canvas is None else content_size(*size, canvas)
    if canvas is not None and content != canvas:
        scores = _resized(scores, canvas)[..., : content[0], : content[1]]
    return _resized(scores, size)


def _resized(scores: Tensor, size: Size) -> Tensor:
    if scores.shape[-2:] == size:
        return scores
    return functional.interpolate(scores, size=size, mode="bilinear", align_corners=False)
