"""Other views of a picture for the teacher of step four, and where all lead to the same unseen class (STRICT). It labels nothing itself."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class View:
    """A picture resized by `scale`, then mirrored or not."""

    scale: float
    mirrored: bool


# Further views beside the picture as it is.
VIEWS: dict[str, tuple[View, ...]] = {
    "one": (),
    "mirror": (View(1.0, mirrored=True),),
    "mirror-scales": tuple(  # release: --scale 2 --mirroring, 6 views with the picture itself
        View(scale, mirrored) for scale in (1.0, 1.5, 1.75) for mirrored in (False, True) if (scale, mirrored) != (1.0, False)
    ),
}


def agreement(
    teacher: Callable[[Tensor], Tensor],
    images: Float[Tensor, "b 3 H W"],
    scores: Float[Tensor, "b k h w"],
    is_unseen: Bool[Tensor, "k"],
    views: tuple[View, ...],
) -> Bool[Tensor, "b h w"]:
    """Where the best unseen class is the same in the picture as it is and in each of the further `views` (methods.md 4.10).

    Seen classes take no part, as in the release, whose teacher holds the words of unseen classes only.

    Args:
        scores: the teacher's for the pictures as they are; those of other views are brought to their size.
    """
    best = scores[:, is_unseen].argmax(1)
    agreed = torch.ones_like(best, dtype=torch.bool)
    for view in views:
        agreed &= seen_through(view, teacher, images, scores.shape[2:])[:, is_unseen].argmax(1) == best
    return agreed


def seen_through(
    view: View, teacher: Callable[[Tensor], Tensor], images: Float[Tensor, "b 3 H W"], size: tuple[int, ...]
) -> Float[Tensor, "b k h w"]:
    """The teacher's scores of a view, mirrored back and resized to `size` (bilinear, as at test time)."""
    shown = resized(images, tuple(round(side * view.scale) for side in images.shape[2:]))
    scores = teacher(shown.flip(-1)).flip(-1) if view.mirrored else teacher(shown)
    return resized(scores, size)


def resized(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Bilinear, corners not aligned; maps that have this size already stay as they are."""
    return maps if maps.shape[2:] == size else functional.interpolate(maps, size=size, mode="bilinear", align_corners=False)
