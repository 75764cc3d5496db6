"""One optimiser a player, its learning-rate schedule as a pure function of the iteration, and the check for finite losses."""

import math
from typing import Any

import torch
from torch import nn

from signseg.config import StageConfig
from signseg.stages.stage import Update


class NonFiniteLoss(RuntimeError):
    """A loss became NaN or infinite; the run stops before the weights do."""


def adam(parameters: list[nn.Parameter], config: StageConfig) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay (the release uses Adam for G, D and C)."""
    return torch.optim.AdamW(parameters, config.learning_rate, weight_decay=config.weight_decay)


def sgd(parameters: list[nn.Parameter], config: StageConfig) -> torch.optim.Optimizer:
    """SGD with momentum 0.9 (the release uses it for E and SIM)."""
    return torch.optim.SGD(parameters, config.learning_rate, momentum=0.9, weight_decay=config.weight_decay)


OPTIMISERS = {"adam": adam, "sgd": sgd}


def poly(iteration: int, iterations: int, power: float = 0.9) -> float:
    """Learning-rate factor (1 - t/T)^0.9 (release, backbone), after a linear warm-up over the first 2 % (ours)."""
    warm_up = min(1.0, (iteration + 1) / max(1.0, 0.02 * iterations))
    return warm_up * (1 - iteration / iterations) ** power


class Player:
    """A group of parameters with its optimiser."""

    def __init__(self, name: str, parameters: list[nn.Parameter], config: StageConfig) -> None:
        self.name, self.parameters, self.config = name, parameters, config
        self.optimiser = OPTIMISERS[config.optimiser](parameters, config)

    def step(self, update: Update, *, stage: str, iteration: int) -> None:
        """Descend on the update's total.

        Raises:
            NonFiniteLoss: naming step, iteration and term.
        """
        for term, value in update.terms.items():
            if not math.isfinite(value.item()):
                raise NonFiniteLoss(
                    f"Loss '{term}' of {self.name} is {value.item()} in {stage}, iteration {iteration}; "
                    f"expected a finite number: lower {stage}.learning_rate, or look for broken images."
                )
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * poly(iteration, self.config.iterations)
        self.optimiser.zero_grad(set_to_none=True)
        update.total().backward()
        self.optimiser.step()

    def state(self) -> dict[str, Any]:
        """For the checkpoint."""
        return self.optimiser.state_dict()
