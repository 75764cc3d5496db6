"""What flows between the boxes of the figure. Nothing here computes; nothing here has weights.

Shape letters, used in every annotation of the package:
    b images in a batch     H W image size in pixels        h w size of the feature grid
    c feature channels      d length of a word vector       k classes      n pixels or vectors in a list
"""

from dataclasses import dataclass

from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Training or test images with their labels in *training ids* (see `classes.py`)."""

    images: Float[Tensor, "b 3 H W"]
    labels: Int64[Tensor, "b H W"]
    index: Int64[Tensor, "b"]  # position of each image in its split; names the rows of a feature cache


@dataclass(frozen=True)
class SpatialCode:
    """What SIM computes before anything random happens; cached when E and SIM are frozen."""

    base: Float[Tensor, "b c h w"]  # h0 in the release: features after the positional body, before the gate
    mean: Float[Tensor, "b c h w"]  # mu of the Gaussian spatial latent
    log_variance: Float[Tensor, "b c h w"]


@dataclass(frozen=True)
class Features:
    """The two outputs of SIM in the figure."""

    pixel: Float[Tensor, "b c h w"]  # x in the paper: what C and D see, values in (0, 1)
    latent: Float[Tensor, "b c h w"]  # z in the paper: the spatial latent code that G receives


@dataclass(frozen=True)
class Part:
    """Where a tile lies on the feature grid of its whole picture."""

    top: int
    left: int
    whole_height: int
    whole_width: int


@dataclass(frozen=True)
class TrainingPass:
    """What the losses on real images need."""

    code: SpatialCode
    scores: Float[Tensor, "b k h w"]


@dataclass(frozen=True)
class Synthesis:
    """Synthetic pixel features and the classes whose words they were made from."""

    pixel: Float[Tensor, "b c h w"]
    labels: Int64[Tensor, "b h w"]
