"""Data sets by the name a user types."""

from collections.abc import Callable
from typing import Any

from signseg.data.dataset import Dataset
from signseg.data.world.catalogue import PARTITIONS
from signseg.data.world.dataset import STANDARD_PARTIAL, World
from signseg.errors import InputError, did_you_mean

_FORMS: dict[str, dict[str, Any]] = {
    "": {},
    "-partial": {"partial": STANDARD_PARTIAL},
    "-partial-15": {"partial": 0.15},
    "-partial-45": {"partial": 0.45},
    **{f"-{partition}": {"partition": partition} for partition in PARTITIONS},
}
_SIZES: dict[str, dict[str, Any]] = {"world": {}, "world-smoke": {"train_images": 24, "val_images": 8, "test_images": 8}}


def _world(name: str, settings: dict[str, Any]) -> Callable[[int], Dataset]:
    return lambda seed: World(seed=seed, name=name, **settings)


DATASETS: dict[str, Callable[[int], Dataset]] = {
    size + form: _world(size + form, pictures | settings) for size, pictures in _SIZES.items() for form, settings in _FORMS.items()
}


def open_dataset(name: str, *, seed: int = 0) -> Dataset:
    """The data set called `name`; `seed` matters for the built-in worlds only.

    Raises:
        InputError: no such data set.
    """
    if name not in DATASETS:
        raise InputError(f"There is no data set '{name}'; {did_you_mean(name, tuple(DATASETS))}")
    return DATASETS[name](seed)
