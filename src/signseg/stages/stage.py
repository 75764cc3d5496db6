"""What every training step is to the loop: named players with their parameters, and losses for one player at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from signseg.config import StageConfig


@dataclass(frozen=True)
class Update:
    """Losses that one player minimises now; the total is sum(weight * term)."""

    player: str
    terms: dict[str, Tensor]  # scalars
    weights: dict[str, float]

    def total(self) -> Tensor:
        """The weighted sum."""
        return torch.stack([self.weights[name] * term for name, term in self.terms.items()]).sum()


class Stage(Protocol):
    """A training step.

    `updates` yields lazily: each loss is computed after the previous player has moved, so no graph outlives its weights.
    """

    @property
    def name(self) -> str: ...

    @property
    def config(self) -> StageConfig: ...

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Who learns, and with which parameters; all others are frozen."""
        ...

    def training_modules(self) -> list[nn.Module]:
        """Modules in train mode (dropout, batch statistics); all others are in eval mode."""
        ...

    def updates(self, index: Tensor) -> Iterator[Update]:
        """The updates of one iteration on the images `index` (b,) of the training split."""
        ...


@contextmanager
def only_training(network: nn.Module, stage: Stage) -> Iterator[None]:
    """Freeze everything but the stage's players: no gradient, no dropout, no batch statistics; undone at the end."""
    learning = {id(parameter) for group in stage.players().values() for parameter in group}
    before = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    try:
        network.eval()
        for module in stage.training_modules():
            module.train()
        for parameter, _ in before:
            parameter.requires_grad_(id(parameter) in learning)
        yield
    finally:
        network.eval()
        for parameter, required in before:
            parameter.requires_grad_(required)

