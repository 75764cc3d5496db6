"""The one loop of all steps and methods: draw a batch, let each player move, log, save. It knows no method and no loss.

Order, noise and dropout are functions of (seed, step, iteration), so that a resumed run needs no random state and gives the same bits.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from signseg.errors import InputError
from signseg.files import append_line
from signseg.network import Network
from signseg.stages.stage import Stage, only_training
from signseg.training.folder import RunFolder, save_state, truncate_metrics
from signseg.training.interrupt import Interrupted, StopRequest
from signseg.training.optim import Player
from signseg.training.progress import Reporter

LOG_EVERY = 10  # iterations


def seed_of(*parts: object) -> int:
    """A 63-bit seed from anything with a stable text."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def batch_index(seed: int, step: str, iteration: int, images: int, batch_size: int) -> Tensor:
    """Image positions of one batch: consecutive pieces of one shuffle an epoch; a batch may join two epochs. (b,) int64."""
    positions = torch.arange(iteration * batch_size, (iteration + 1) * batch_size)
    epochs = {
        epoch: torch.randperm(images, generator=torch.Generator().manual_seed(seed_of(seed, step, "epoch", epoch)))
        for epoch in set((positions // images).tolist())
    }
    return torch.stack([epochs[position // images][position % images] for position in positions.tolist()])


def run_stage(
    stage: Stage,
    network: Network,
    *,
    images: int,
    seed: int,
    folder: RunFolder,
    state: dict[str, Any] | None,
    extra: dict[str, Any],
    checkpoint_every: int,
    reporter: Reporter,
    stop: StopRequest,
    clock: Callable[[], None] = lambda: None,
) -> None:
    """Run a step to its end, from `state` if that is a checkpoint of it.

    Args:
        images: number of training images.
        state: what `state.pt` held, or None to begin.
        extra: kept in every checkpoint beside the network and the optimisers.
        clock: called before every checkpoint, to bring the time in `extra` up to date.
    Raises:
        Interrupted: after a stop request, with the state saved.
        NonFiniteLoss: before any weight could take it over.
    """
    players = {name: Player(name, parameters, stage.config) for name, parameters in stage.players().items()}
    begin = 0 if state is None else restore(state, network, players)
    truncate_metrics(folder, step=stage.name, iteration=begin)

    def save(iteration: int) -> None:
        clock()
        optimisers = {name: player.state() for name, player in players.items()}
        save_state(folder, {"step": stage.name, "iteration": iteration, "network": network.state_dict(), "players": optimisers, **extra})

    total = stage.config.iterations
    with only_training(network, stage):
        for iteration in range(begin, total):
            torch.manual_seed(seed_of(seed, stage.name, iteration))
            index = batch_index(seed, stage.name, iteration, images, stage.config.batch_size)
            losses = {}
            for update in stage.updates(index):
                players[update.player].step(update, stage=stage.name, iteration=iteration)
                losses |= {f"{update.player}/{term}": value.item() for term, value in update.terms.items()}
            done = iteration + 1
            if done % LOG_EVERY == 0 or done == total:
                append_line(folder.metrics, json.dumps({"step": stage.name, "iteration": done, "losses": losses}))
                reporter.advance(stage.name, done, total, "  ".join(f"{term.split('/')[1]} {value:.3f}" for term, value in losses.items()))
            if done % checkpoint_every == 0 or done == total or stop:
                save(done)
            if stop:
                raise Interrupted


def restore(state: dict[str, Any], network: Network, players: dict[str, Player]) -> int:
    """Put a checkpoint back into the network and the optimisers; the iteration to go on from.

    Raises:
        InputError: the checkpoint does not fit them.
    """
    try:
        network.load_state_dict(state["network"])
        for name, player in players.items():
            player.optimiser.load_state_dict(state["players"][name])
        return int(state["iteration"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError("state.pt does not fit the network of config.json; delete the folder and start again.") from error
