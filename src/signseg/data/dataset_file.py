"""dataset.yaml, the user's description of a folder of images and masks: read, checked and named. No picture or vector is opened here."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from signseg.classes import LARGEST_ID
from signseg.errors import InputError, did_you_mean
from signseg.files import reason

SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 1_000_000
MAX_VALUES = 100_000
PLACE = "{split}"  # in patterns, stands for the folder of a split
BACKGROUND = "background"  # the class that `background: ignore` leaves out

SplitName = Literal["train", "val", "test"]
RawId = Annotated[int, Field(ge=0, le=LARGEST_ID)]


def _by_id(classes: Any) -> Any:
    """A list counts its ids from 0."""
    return dict(enumerate(classes)) if isinstance(classes, list) else classes


def _as_list(value: Any) -> Any:
    """One entry may be written without brackets."""
    return [value] if isinstance(value, str) else value


def _printable(name: str) -> str:
    if name != name.strip() or not name.isprintable():
        raise ValueError("expected printable text without spaces around it")
    return name


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_list)]
Entries = Annotated[Names, Field(min_length=1)]


class DatasetFile(BaseModel):
    """The keys of dataset.yaml. Relative paths are relative to the file.

    name: what results call the data set; classes: raw id -> class (a list gives ids from 0);
    unseen: classes known by name only; validation_unseen: those that play this role in tuning runs; exclude: treated as not annotated;
    ignore: raw id of void pixels; images, masks: patterns with {split}, an image and its mask have the same stem;
    splits: train, test and, if there is one, val, each with its folder; unlabelled: globs of further pictures (not used yet);
    background: "class" keeps a class called background, "ignore" treats it as not annotated;
    vectors: word vector files, joined in this order; names: class -> entry in these files, several are averaged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    classes: Annotated[dict[RawId, Name], BeforeValidator(_by_id), Field(min_length=1)]
    unseen: Names
    validation_unseen: Names = ()
    exclude: Names = ()
    ignore: RawId
    images: Name
    masks: Name
    splits: dict[SplitName, Name]
    unlabelled: Names = ()
    background: Literal["ignore", "class"] = "ignore"
    vectors: Entries
    names: dict[Name, Entries] = {}

    @property
    def raw_ids(self) -> dict[str, int]:
        """Class name -> raw id, in the order of the file."""
        return {name: raw for raw, name in self.classes.items()}

    @property
    def excluded(self) -> tuple[str, ...]:
        """Classes treated as not annotated: those of `exclude`, and an ignored background."""
        background = (BACKGROUND,) if self.background == "ignore" and BACKGROUND in self.raw_ids else ()
        return tuple(dict.fromkeys(self.exclude + background))


def read_dataset_file(path: Path) -> DatasetFile:
    """Read and check a dataset.yaml.

    Raises:
        InputError: the first thing that is wrong, in one sentence.
    """
    values = _plain_yaml(path)
    try:
        described = DatasetFile.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {_sentence(error)}") from error
    for check in (_check_classes, _check_roles, _check_places):
        if problem := check(described):
            raise InputError(f"{path}: {problem}")
    return described


def _plain_yaml(path: Path) -> dict[str, Any]:
    """The mapping in the file. Refused: a key written twice, which loses a value, and aliases that grow without end."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} has more than {MAX_BYTES} bytes; expected a short description of a data set: give another file.")
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _check_nodes(root, path, {})
        values = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; give the path of a dataset.yaml.") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason(error)}); give the path of a dataset.yaml.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise InputError(f"{path} is not YAML{where} ({getattr(error, 'problem', None) or type(error).__name__}); correct it.") from error
    if not isinstance(values, dict):
        raise InputError(f"{path} holds no keys; expected name, classes, unseen, images, masks and so on (README, 'Your own folder').")
    return values


def _check_nodes(node: yaml.Node | None, path: Path, counted: dict[int, int]) -> int:
    """How many values the node stands for once its aliases are written out. `counted` has those of nodes met before."""
    if id(node) in counted:
        return counted[id(node)]
    counted[id(node)] = MAX_VALUES  # met again within itself, it has no end
    total, children = 1, []
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if str(key.value) in keys:
                raise InputError(f"{path} has the key '{key.value}' twice (line {key.start_mark.line + 1}); keep one of them.")
            keys.add(str(key.value))
            children += [key, value]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    total += sum(_check_nodes(child, path, counted) for child in children)
    if total > MAX_VALUES:
        raise InputError(f"{path} stands for more than {MAX_VALUES} values; write it without YAML aliases (& and *).")
    counted[id(node)] = total
    return total


def _sentence(error: ValidationError) -> str:
    found = error.errors()
    first = next((item for item in found if item["type"] == "extra_forbidden"), found[0])  # a misspelt key is also a missing one
    where = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "missing":
        return f"the key '{where}' is missing; add it (README, 'Your own folder')."
    if first["type"] == "extra_forbidden":
        return f"there is no key '{where}'; {did_you_mean(where, tuple(DatasetFile.model_fields))}"
    if where == "name":
        return f"'name' is {first['input']!r:.100}; expected letters, digits, '.', '_' and '-', 64 at most: choose another."
    got = first.get("input")
    quoted = "write it in quotes" if isinstance(got, bool | int | float) and first["type"] == "string_type" else "change it"
    message = first["msg"].removeprefix("Value error, ")
    return f"'{where}' is {got!r:.100}: {message[0].lower()}{message[1:]}; {quoted}."


def _check_classes(described: DatasetFile) -> str:
    names = list(described.classes.values())
    for raw, name in described.classes.items():
        if names.count(name) > 1:
            return f"class '{name}' is listed {names.count(name)} times; list it once."
        if raw == described.ignore:
            return f"class '{name}' has the id {raw}, which is also 'ignore'; give one of the two another id."
    listed = {key: getattr(described, key) for key in ("unseen", "validation_unseen", "exclude")} | {"names": tuple(described.names)}
    for key, values in listed.items():
        for name in values:
            if name not in names:
                return f"'{name}' under '{key}' is not among the classes; {did_you_mean(name, names)}"
    if described.background == "class" and BACKGROUND not in names:
        return "'background' is 'class' but no class is called 'background'; name that class so, or write background: ignore."
    return ""


def _check_roles(described: DatasetFile) -> str:
    owner: dict[str, str] = {}
    for key in ("unseen", "validation_unseen", "exclude"):
        for name in getattr(described, key):
            if name in owner:
                return f"class '{name}' is listed under '{owner[name]}' and '{key}'; list it once."
            owner[name] = key
    if not set(described.raw_ids) - set(described.excluded) - set(described.unseen):
        return "no class is left to learn from; shorten 'unseen' or 'exclude'."
    return ""


def _check_places(described: DatasetFile) -> str:
    for key in ("images", "masks"):
        if PLACE not in getattr(described, key):
            return f"'{key}' is '{getattr(described, key)}' without {PLACE}; write {PLACE} where the name of the split stands."
    for split in ("train", "test"):
        if split not in described.splits:
            return f"'splits' has no '{split}'; add '{split}: FOLDER'."
    if described.validation_unseen and "val" not in described.splits:
        return "'validation_unseen' needs a split 'val' to be scored on; add 'val: FOLDER' to 'splits'."
    places = list(described.splits.values())
    for split, place in described.splits.items():
        if places.count(place) > 1:
            return f"the split '{split}' is the same folder '{place}' as another one; scores need pictures of their own: separate them."
    return ""
