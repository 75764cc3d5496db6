"""How long an iteration of step a takes for each method, measured here and now, so that rivals can be given equal time."""

import statistics
import time
from pathlib import Path

from signseg.config import RunConfig
from signseg.precision import chosen_here
from signseg.stages.stage import Stage, only_training
from signseg.training.folder import RunFolder
from signseg.training.loop import batch_index
from signseg.training.optim import Player
from signseg.training.progress import Silent
from signseg.training.train import Run, prepare, steps

ROUNDS, ITERATIONS = 5, 2


def step_a_seconds(configs: dict[str, RunConfig]) -> dict[str, float]:
    """Seconds of one iteration of step a for each configuration: the median of rounds in which they take turns, after a first one.

    They take turns so that whatever else the machine does meets all of them alike. Nothing is written.
    """
    runs = {name: prepare(chosen_here(config), RunFolder(Path("unused")), Silent()) for name, config in configs.items()}
    ready = {name: (run, steps(run)[0][1]()) for name, run in runs.items()}
    found: dict[str, list[float]] = {name: [] for name in configs}
    for round_number in range(1 + ROUNDS):
        for name, (run, stage) in ready.items():
            seconds = _iterate(run, stage)
            found[name] += [seconds] if round_number else []
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _iterate(run: Run, stage: Stage) -> float:
    """Mean seconds of a few iterations, as the training loop makes them."""
    players = {name: Player(name, parameters, stage.config) for name, parameters in stage.players().items()}
    with only_training(run.network, stage):
        started = time.perf_counter()
        for iteration in range(ITERATIONS):
            index = batch_index(run.config.seed, stage.name, iteration, len(run.images), stage.config.batch_size)
            for update in stage.updates(index):
                players[update.player].step(update, stage=stage.name, iteration=iteration)
        return (time.perf_counter() - started) / ITERATIONS
