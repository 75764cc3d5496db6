"""Step c once more for classes that were named after the training: their rows of C alone learn, and every other score stays what it was.

Refitting all of C would let the border between two older classes drift from one addition to the next, since nobody has a real feature of
an unseen class to hold it in place. With the other rows fixed, an addition can take pixels from older classes but never move them from one
older class to another, and taking it back restores the model.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from signseg.config import StepCConfig
from signseg.losses.segmentation import cross_entropy
from signseg.modules.classifier import Classifier, LinearClassifier
from signseg.network import Network
from signseg.stages.frozen_features import Codes
from signseg.stages.stage import Update
from signseg.stages.step_c import StepC

ODDS = 1 / 3  # tuned


class AddClass(StepC):
    """Step c on real and synthetic features, of which the last `new` rows of C learn.

    Args:
        frozen: the run's memory in place of the training images.
        is_unseen: (k,) bool, new classes included; they come last.
    """

    name = "add_class"

    def __init__(self, network: Network, frozen: Codes, is_unseen: Tensor, config: StepCConfig, *, new: int) -> None:
        super().__init__(network, frozen, is_unseen, config)
        self.class_weights = draw_weights(is_unseen, new)
        assert isinstance(network.classifier, Classifier | LinearClassifier)
        self.scores = network.classifier.scores
        self.weight = nn.Parameter(self.scores.weight[-new:].detach().clone())
        self.bias = nn.Parameter(torch.zeros(new))

    def players(self) -> dict[str, list[nn.Parameter]]:
        return {"classifier": [self.weight, self.bias]}

    def training_modules(self) -> list[nn.Module]:
        return [self.network.generator]  # its dropout is part of the noise; C has none, since what it hides does not learn

    def updates(self, index: Tensor) -> Iterator[Update]:
        drawn = self.network.spatial.features(self.frozen.code(index), sample=True)
        labels = self.frozen.labels(index)
        with torch.no_grad():
            synthetic = self.network.synthesise(self.place_words(labels), self.latent(drawn))
        terms = {
            "real": cross_entropy(self.longer_scores(drawn.pixel), labels),
            "synthetic": cross_entropy(self.longer_scores(synthetic.pixel), synthetic.labels),
        }
        yield Update("classifier", terms, {"real": self.config.real_weight, "synthetic": self.config.synthetic_weight})

    def longer_scores(self, pixel: Tensor) -> Tensor:
        """(b, k, h, w) scores with the rows that learn in their place."""
        with torch.no_grad():
            hidden = self.network.classifier.before_scores(pixel)
            known = self.scores(hidden)[:, : -len(self.bias)]
        return torch.cat([known, nn.functional.conv2d(hidden, self.weight, self.bias)], dim=1)

    @torch.no_grad()
    def write_back(self) -> None:
        """Put the learned rows into C."""
        new = len(self.bias)
        self.scores.weight[-new:] = self.weight
        assert self.scores.bias is not None
        self.scores.bias[-new:] = self.bias


def draw_weights(is_unseen: Tensor, new: int) -> Tensor:
    """How often each class is drawn for a synthetic feature (ours): the seen classes together as often as the older unseen ones together,
    and each new class ODDS times as often as all of these. Step c's own weights would give a single new class two thirds of all draws, and
    with the other rows fixed it would take that much more of the seen classes' pixels.
    """
    is_new = torch.arange(len(is_unseen)) >= len(is_unseen) - new
    groups = [group for group in (~is_unseen, is_unseen & ~is_new) if group.any()]
    known = torch.stack([group / group.sum() for group in groups]).sum(0)
    return torch.where(is_new, ODDS * len(groups), known)
