"""Step a: E, SIM and C learn seen classes together, with a KL term that keeps the spatial latent close to a standard normal."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from signseg.classes import UNANNOTATED
from signseg.config import StepAConfig
from signseg.data.training_images import TrainingImages
from signseg.data.transforms import flip, grid_labels
from signseg.losses.matching import kl_to_standard_normal
from signseg.losses.segmentation import cross_entropy
from signseg.network import Network
from signseg.stages.stage import Update
from signseg.structures import SpatialCode


class StepA:
    """The segmenter (E, SIM, C) on real images. C has outputs for unseen classes, which no label ever asks for: U is 0 after this step.

    Args:
        is_unseen: (k,) bool in the order of training ids.
    """

    name = "step_a"

    def __init__(
        self, network: Network, images: TrainingImages, config: StepAConfig, is_unseen: Tensor, precision: torch.dtype = torch.float32
    ) -> None:
        self.network, self.images, self.config, self.precision = network, images, config, precision
        self.outputs = OUTPUTS[config.outputs](is_unseen)

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"segmenter": self.network.segmenter()}

    def training_modules(self) -> list[nn.Module]:
        return [self.network.encoder, self.network.spatial, self.network.classifier]

    def updates(self, index: Tensor) -> Iterator[Update]:
        batch = self.images.batch(index)
        mirrored = torch.rand(len(index)) < 0.5
        images, labels = flip(batch.images, mirrored), flip(batch.labels, mirrored)
        seen = self.network.trained_scores(images, self.precision)
        scores, targets = at_resolution(seen.scores[:, self.outputs], labels, self.config.resolution)
        terms = {"cross_entropy": cross_entropy(scores, targets), "kl": latent_kl(seen.code, labels)}
        yield Update("segmenter", terms, {"cross_entropy": 1.0, "kl": self.config.kl_weight})


OUTPUTS: dict[str, Callable[[Tensor], slice]] = {
    "all": lambda is_unseen: slice(None),
    "seen": lambda is_unseen: slice(int((~is_unseen).sum())),  # training ids list seen classes first
}


def at_resolution(scores: Tensor, labels: Tensor, divisor: int) -> tuple[Tensor, Tensor]:
    """Scores (b k h w) and labels (b H W) at 1/divisor of the image, or on the feature grid if that is finer than asked.

    The release compares on the feature grid; upsampled scores draw sharper edges (ours).
    """
    height, width = (max(side // divisor, cells) for side, cells in zip(labels.shape[1:], scores.shape[2:], strict=True))
    if scores.shape[2:] != (height, width):
        scores = functional.interpolate(scores, size=(height, width), mode="bilinear", align_corners=False)
    return scores, grid_labels(labels, height, width)


def latent_kl(code: SpatialCode, labels: Tensor) -> Tensor:
    """KL of the latent over labelled cells (release: pixels not ignored)."""
    height, width = code.mean.shape[2:]
    annotated = (grid_labels(labels, height, width) < UNANNOTATED).float()
    return kl_to_standard_normal(code.mean, code.log_variance, annotated)
