"""Step c: C learns from real features of seen classes and synthetic features of seen and unseen ones. E, SIM and G are frozen."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from signseg.config import StepCConfig
from signseg.losses.segmentation import cross_entropy
from signseg.network import Network
from signseg.stages.frozen_features import Codes
from signseg.stages.stage import Update
from signseg.structures import Features, Synthesis


class StepC:
    """C on both kinds of features; words are placed on the latents class-balanced, unseen ones over-sampled.

    Args:
        is_unseen: (k,) bool in the order of training ids.
    """

    name = "step_c"

    def __init__(self, network: Network, frozen: Codes, is_unseen: Tensor, config: StepCConfig) -> None:
        self.network, self.frozen, self.config = network, frozen, config
        self.class_weights = 1.0 + config.unseen_rate * is_unseen.float()
        self.latent = LATENTS[config.latent]

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"classifier": list(self.network.classifier.parameters())}

    def training_modules(self) -> list[nn.Module]:
        return [self.network.classifier, self.network.generator]  # G keeps its dropout, as in the release: it is part of the noise

    def updates(self, index: Tensor) -> Iterator[Update]:
        drawn = self.network.spatial.features(self.frozen.code(index), sample=True)
        labels = self.frozen.labels(index)
        with torch.no_grad():
            synthetic = self.synthesise(labels, drawn)
        terms = {
            "real": cross_entropy(self.network.classifier(drawn.pixel), labels),
            "synthetic": cross_entropy(self.network.classifier(synthetic.pixel), synthetic.labels),
        }
        yield Update("classifier", terms, {"real": self.config.real_weight, "synthetic": self.config.synthetic_weight})

    def synthesise(self, labels: Tensor, drawn: Features) -> Synthesis:
        """Synthetic features in the layout of the batch, and the classes that they were made for."""
        return self.network.synthesise(self.place_words(labels), self.latent(drawn))

    def place_words(self, labels: Tensor) -> Tensor:
        """A class for every cell, drawn alone with probability 1 (seen) to 1 + unseen_rate (unseen), whatever its real label."""
        return torch.multinomial(self.class_weights, labels.numel(), replacement=True).view(labels.shape)


def spatial_latent(drawn: Features) -> Tensor:
    """The latents of real images, as the article has it."""
    return drawn.latent


def noise_latent(drawn: Features) -> Tensor:
    """Standard normal noise, as the release has it."""
    return torch.randn_like(drawn.latent)


LATENTS: dict[str, Callable[[Features], Tensor]] = {"spatial": spatial_latent, "noise": noise_latent}
