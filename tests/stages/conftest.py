"""A network and a handful of pictures, small enough that every step runs in milliseconds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from signseg.classes import IGNORE, ClassSplit
from signseg.config import TINY, RunConfig, with_overrides
from signseg.data.dataset import Picture
from signseg.data.training_images import TrainingImages
from signseg.methods import METHODS, Materials
from signseg.network import Network
from signseg.precision import precision
from signseg.stages.frozen_features import FrozenFeatures
from signseg.stages.self_training import SelfTrainingRound, pseudo_label
from signseg.stages.stage import Stage, only_training
from signseg.training.optim import Player

SIDE, NOTHING = 16, 99
PINNED = {  # so that tuning the defaults changes no test
    "precision": "float32",
    "spatial.body": "attention",
    "generator.dropout": [0.1],
    "step_a.resolution": 1,
    "step_a.learning_rate": 2e-3,
    "step_a.kl_weight": 0.1,
    "step_b.matching_weight": 10.0,
    "step_b.matching_pixels": 32,
    "step_c.real_weight": 0.75,
    "step_c.synthetic_weight": 0.25,
    "self_training.kind": "ast",
    "self_training.resolution": 1,
    "self_training.top_p": 1,
    "self_training.normalisation": "together",
}


@dataclass
class Toy:
    """What a step needs, and ways to build and run one."""

    materials: Materials

    @property
    def network(self) -> Network:
        return self.materials.network

    @property
    def images(self) -> TrainingImages:
        return self.materials.images

    def build(self, step: str, method: str = "sign") -> Stage:
        """A step of a method (whose settings are the caller's business), or a round of self-training under the name "self_training"."""
        config = self.materials.config
        if step == "self_training":
            pseudo = pseudo_label(self.network, self.images, self.materials.is_unseen, config.self_training)
            return SelfTrainingRound(self.network, self.images, pseudo, config.self_training, number=1, precision=precision(config))
        return METHODS[method].steps[step](self.materials)

    def run(self, stage: Stage, iterations: int = 3, index: torch.Tensor | None = None) -> list[dict[str, float]]:
        """Train; the losses of each iteration."""
        players = {name: Player(name, parameters, stage.config) for name, parameters in stage.players().items()}
        history = []
        with only_training(self.network, stage):
            for iteration in range(iterations):
                torch.manual_seed(iteration)
                batch = torch.randperm(len(self.images))[:4] if index is None else index
                losses = {}
                for update in stage.updates(batch):
                    players[update.player].step(update, stage=stage.name, iteration=iteration)
                    losses |= {f"{update.player}/{name}": term.item() for name, term in update.terms.items()}
                history.append(losses)
        return history


def pictures(values: list[int], *, count: int = 8) -> list[Picture]:
    """Noisy pictures of four quarters; what a quarter shows and its raw id are the same thing, unseen or not."""
    random = np.random.default_rng(0)
    found = []
    for number in range(count):
        mask = np.kron(random.choice(values, (2, 2)), np.ones((SIDE // 2, SIDE // 2))).astype(np.uint8)
        mask[SIDE // 2] = IGNORE
        colours = random.integers(0, 256, (256, 3)) if number == 0 else colours
        image = (colours[mask] + random.normal(0, 8, (SIDE, SIDE, 3))).clip(0, 255).astype(np.uint8)
        found.append(Picture(f"toy-{number}", image, mask))
    return found


@pytest.fixture
def toy() -> Callable[..., Toy]:
    """Makes a toy with `seen` and `unseen` classes; raw ids that are in the pictures can be chosen."""

    def make(*, seen: int = 3, unseen: int = 2, values: list[int] | None = None, **overrides) -> Toy:
        names = [f"class {position}" for position in range(seen + unseen)]
        classes = ClassSplit({name: position for position, name in enumerate(names)}, tuple(names[:seen]), tuple(names[seen:]))
        settings = {f"{step}.iterations": 100 for step in ("step_a", "step_b", "step_c", "self_training")}
        config: RunConfig = with_overrides(TINY, settings | PINNED | overrides)
        words = np.random.default_rng(1).normal(size=(seen + unseen, 6))
        torch.manual_seed(0)
        network = Network(config, words / np.linalg.norm(words, axis=1, keepdims=True)).eval()
        images = TrainingImages(pictures(values or [*range(seen + unseen), NOTHING]), classes)
        return Toy(Materials(network, images, FrozenFeatures(network, images), classes, config))

    return make
