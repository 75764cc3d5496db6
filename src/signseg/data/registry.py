"""Data sets by what a user types: the name of a built-in one, or the path of a dataset.yaml."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from signseg.data.dataset import Dataset
from signseg.data.dataset_file import SUFFIXES
from signseg.data.folder import Folder
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
    """The data set called `name`, or described by the dataset.yaml at `name`; `seed` matters for the built-in worlds only.

    Raises:
        InputError: no such data set, or a description that is wrong.
    """
    if name not in DATASETS and Path(name).suffix.lower() in SUFFIXES:
        return own_folder(Path(name))
    if name not in DATASETS:
        inside = [file for file in (Path(name) / f"dataset{suffix}" for suffix in SUFFIXES) if file.is_file()]
        if inside:
            raise InputError(f"'{name}' is a folder; give the file in it: {inside[0]}.")
        raise InputError(f"There is no data set '{name}'; {did_you_mean(name, tuple(DATASETS))}")
    return DATASETS[name](seed)


def own_folder(path: Path) -> Folder:
    """The user's own data set. It may not be called like a built-in one, which its scores could be taken for.

    Raises:
        InputError: see `Folder`, or such a name.
    """
    folder = Folder(path)
    if folder.name in DATASETS:
        raise InputError(f"{path} is called '{folder.name}', like a built-in data set; give it another 'name'.")
    return folder


def located(name: str) -> str:
    """What a run remembers of `name`: the path of a dataset.yaml in full, so that the run can be scored from anywhere."""
    return str(Path(name).resolve()) if name not in DATASETS and Path(name).suffix.lower() in SUFFIXES else name
