"""On which classes a run is scored: those of the data set as it was trained, or what is left of them after its list was changed."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from signseg.classes import ClassSplit
from signseg.config import RunConfig
from signseg.data.dataset import Dataset, class_split
from signseg.errors import InputError
from signseg.network import Network
from signseg.training.folder import RunFolder, load_classes

Predict = Callable[[Tensor], Tensor]


def scored_classes(
    folder: RunFolder, record: dict[str, Any], config: RunConfig, data: Dataset, network: Network
) -> tuple[ClassSplit, Predict, list[str]]:
    """The split to score on, the network's scores in its order, and sentences about classes that only one side has.

    Args:
        record: config.json of the run.
    Raises:
        InputError: the classes of run and data differ, and not because the run's were changed; or no seen class is left to score.
    """
    classes = class_split(data, tuning=config.tuning, unseen_names=config.unseen_names)
    trained, _ = load_classes(folder)
    if not record.get("changes"):
        if trained.names != classes.names:
            odd = sorted(set(trained.names) ^ set(classes.names))
            found = f"'{odd[0]}' is in one of them only" if odd else "they come in another order"
            raise InputError(f"'{data.name}' and {folder.path} have different classes: {found}; evaluate on the data of the training.")
        return classes, network, []
    names = {name: before(name, record["changes"]) for name in trained.names}
    shared = [name for name in trained.names if names[name] in data.raw_ids]
    columns = [trained.names.index(name) for name in shared]
    split = ClassSplit(
        {name: data.raw_ids[names[name]] for name in shared},
        tuple(name for name in trained.seen if name in shared),
        tuple(name for name in trained.unseen if name in shared),
        data.ignore,
    )
    said = []
    if apart := [name for name in trained.names if name not in shared]:
        said.append(f"{_listed(apart)} of the run: not a class of '{data.name}', takes no part in these scores.")
    whole = {*class_split(data, tuning=config.tuning).names}
    if apart := [name for name in data.raw_ids if name in whole and name not in names.values()]:
        said.append(f"{_listed(apart)} of '{data.name}': not a class of the run, pixels with these labels are not scored.")
    return split, lambda images: network(images)[:, columns], said


def before(name: str, changes: list[dict[str, list[str]]]) -> str:
    """What a class was called before it was renamed, once or more often."""
    for change in reversed(changes):
        if "renamed" in change and change["renamed"][1] == name:
            name = change["renamed"][0]
    return name


def _listed(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
