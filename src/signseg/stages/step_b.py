"""Step b: with E and SIM frozen, G learns to imitate real pixel features of seen classes and D to tell them apart.

The article makes this a step of its own; the release trains it jointly with step a. The article is followed.
"""

from collections.abc import Iterator

from torch import Tensor, nn

from signseg.classes import UNANNOTATED
from signseg.config import StepBConfig
from signseg.losses.adversarial import ADVERSARIAL
from signseg.losses.matching import GROUPS, MATCHING
from signseg.network import Network
from signseg.stages.frozen_features import Codes
from signseg.stages.stage import Update


class StepB:
    """G against D, with a class-wise MMD between real and synthetic features of the same pixels."""

    name = "step_b"

    def __init__(self, network: Network, frozen: Codes, config: StepBConfig) -> None:
        self.network, self.frozen, self.config = network, frozen, config
        self.adversarial = ADVERSARIAL[config.adversarial]
        self.groups, self.match = GROUPS[config.matching_groups], MATCHING[config.matching]

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {module: list(getattr(self.network, module).parameters()) for module in self._moving()}

    def training_modules(self) -> list[nn.Module]:
        return [getattr(self.network, module) for module in self._moving()]

    def updates(self, index: Tensor) -> Iterator[Update]:
        drawn = self.network.spatial.features(self.frozen.code(index), sample=True)
        labels = self.frozen.labels(index)
        labelled = labels < UNANNOTATED
        if not labelled.any():
            return  # a batch without any label teaches neither player
        real = drawn.pixel.permute(0, 2, 3, 1)[labelled]

        if self.adversarial:
            synthetic = self.synthesise(labels, drawn.latent).detach()
            judged_real, judged_synthetic = self.network.discriminator(real), self.network.discriminator(synthetic)
            gap = self.adversarial.discriminator(judged_real, judged_synthetic)
            yield Update("discriminator", {"adversarial": gap}, {"adversarial": 1.0})

        yield self.generator_update(real, self.synthesise(labels, drawn.latent), labels[labelled])

    def synthesise(self, labels: Tensor, latent: Tensor) -> Tensor:
        """(p, c) synthetic features of the labelled cells; labels (b, h, w), latent (b, c, h, w)."""
        labelled = labels < UNANNOTATED
        words = self.network.embedding_map(labels[labelled])
        return self.network.generator(words, latent.permute(0, 2, 3, 1)[labelled])

    def generator_update(self, real: Tensor, synthetic: Tensor, classes: Tensor) -> Update:
        """What G minimises. Features (p, c) of labelled pixels and their classes (p,)."""
        terms, weights = {}, {}
        if self.adversarial:
            terms["fool"] = self.adversarial.generator(self.network.discriminator(synthetic))
            weights["fool"] = self.config.adversarial_weight
        groups = self.groups(classes, self.config.matching_pixels)
        terms[self.config.matching] = self.match(real, synthetic, groups, self.config.bandwidths)
        weights[self.config.matching] = self.config.matching_weight
        return Update("generator", terms, weights)

    def _moving(self) -> list[str]:
        return ["discriminator", "generator"] if self.adversarial else ["generator"]
