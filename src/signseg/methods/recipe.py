"""A method is a value: its settings and its steps. A rival is SIGN's recipe with the scientific difference replaced."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from signseg.classes import ClassSplit
from signseg.config import RunConfig
from signseg.data.training_images import TrainingImages
from signseg.network import Network
from signseg.stages.frozen_features import FrozenFeatures
from signseg.stages.stage import Stage


@dataclass(frozen=True)
class Materials:
    """What a step may use: the network in training, the training images, and their frozen features (computed on first use)."""

    network: Network
    images: TrainingImages
    frozen: FrozenFeatures
    classes: ClassSplit
    config: RunConfig

    @property
    def is_unseen(self) -> torch.Tensor:
        """(k,) bool."""
        return torch.from_numpy(self.classes.is_unseen)


@dataclass(frozen=True)
class Recipe:
    """Name, source, settings that differ from SIGN's, and the training steps in their order.

    Step four (self-training) is the same for all methods. `settings` are dotted keys of the configuration, applied before the user's own.
    """

    name: str
    paper: str
    steps: dict[str, Callable[[Materials], Stage]]
    settings: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()  # boxes of the network that no step of this method trains or uses
