"""Data sets by the name a user types."""

from collections.abc import Callable

from signseg.data.dataset import Dataset
from signseg.data.world.dataset import STANDARD_PARTIAL, World
from signseg.errors import InputError, did_you_mean

DATASETS: dict[str, Callable[[int], Dataset]] = {
    "world": lambda seed: World(seed=seed),
    "world-partial": lambda seed: World(seed=seed, partial=STANDARD_PARTIAL),
    "world-partial-15": lambda seed: World(seed=seed, partial=0.15),
    "world-partial-45": lambda seed: World(seed=seed, partial=0.45),
}


def open_dataset(name: str, *, seed: int = 0) -> Dataset:
    """The data set called `name`; `seed` matters for the built-in worlds only.

    Raises:
        InputError: no such data set.
    """
    if name not in DATASETS:
        raise InputError(f"There is no data set '{name}'; {did_you_mean(name, tuple(DATASETS))}")
    return DATASETS[name](seed)
