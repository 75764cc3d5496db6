"""Step b: with E and SIM frozen, G learns to imitate real pixel features of seen classes and D to tell them apart.

The article makes this a step of its own; the release trains it jointly with step a. The article is followed.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from signseg.classes import UNANNOTATED
from signseg.config import StepBConfig
from signseg.losses.adversarial import ADVERSARIAL
from signseg.losses.matching import GROUPS, grouped_mmd
from signseg.modules.spatial import features
from signseg.network import Network
from signseg.stages.frozen_features import FrozenFeatures
from signseg.stages.stage import Update


class StepB:
    """G against D, with a class-wise MMD between real and synthetic features of the same pixels."""

    name = "step_b"

    def __init__(self, network: Network, frozen: FrozenFeatures, config: StepBConfig) -> None:
        self.network, self.frozen, self.config = network, frozen, config
        self.adversarial = ADVERSARIAL[config.adversarial]
        self.groups = GROUPS[config.matching_groups]

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"discriminator": list(self.network.discriminator.parameters()), "generator": list(self.network.generator.parameters())}

    def training_modules(self) -> list[nn.Module]:
        return [self.network.discriminator, self.network.generator]

    def updates(self, index: Tensor) -> Iterator[Update]:
        drawn = features(self.frozen.code(index), sample=True)
        labels = self.frozen.labels(index)
        labelled = labels < UNANNOTATED
        if not labelled.any():
            return  # a batch without any label teaches neither player
        classes = labels[labelled]
        real = drawn.pixel.permute(0, 2, 3, 1)[labelled]
        latent = drawn.latent.permute(0, 2, 3, 1)[labelled]
        words = self.network.embedding_map(classes)

        synthetic = self.network.generator(words, latent).detach()
        judged_real, judged_synthetic = self.network.discriminator(real), self.network.discriminator(synthetic)
        yield Update("discriminator", {"adversarial": self.adversarial.discriminator(judged_real, judged_synthetic)}, {"adversarial": 1.0})

        synthetic = self.network.generator(words, latent)
        groups = self.groups(classes, self.config.matching_pixels)
        terms = {
            "fool": self.adversarial.generator(self.network.discriminator(synthetic)),
            "mmd": grouped_mmd(real, synthetic, groups, self.config.bandwidths),
        }
        yield Update("generator", terms, {"fool": self.config.adversarial_weight, "mmd": self.config.matching_weight})


