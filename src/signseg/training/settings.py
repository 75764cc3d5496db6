"""Which settings can go together, and whether a run may go on under the settings of a command. It trains nothing and writes nothing."""

from pathlib import Path
from typing import Any

from signseg.config import PRESETS, RunConfig, with_overrides
from signseg.data.registry import open_dataset
from signseg.errors import InputError, did_you_mean
from signseg.methods import METHODS
from signseg.training.folder import RunFolder, load_config


def preset(name: str, method: str = "sign") -> RunConfig:
    """The preset called `name` with what `method` has different from SIGN.

    Raises:
        InputError: there is no such preset or method.
    """
    if name not in PRESETS:
        raise InputError(f"There is no preset '{name}'; {did_you_mean(name, tuple(PRESETS))}")
    if method not in METHODS:
        raise InputError(f"There is no method '{method}'; {did_you_mean(method, tuple(METHODS))}")
    return with_overrides(PRESETS[name], METHODS[method].settings | {"method": method})


def check(config: RunConfig) -> None:
    """What can be refused before a folder is made.

    Raises:
        InputError: unknown method or data, or settings that contradict one another.
    """
    if config.method not in METHODS:
        raise InputError(f"There is no method '{config.method}'; {did_you_mean(config.method, tuple(METHODS))}")
    open_dataset(config.data, seed=config.seed)
    if config.upper_bound and config.tuning:
        raise InputError("--upper-bound knows every label and --tuning hides them; choose one of the two.")
    if config.upper_bound and not config.unseen_names:
        raise InputError("An upper bound has labels for unseen classes, and unseen_names=false leaves them out; choose one of the two.")
    if config.upper_bound and config.self_training.kind != "none":
        raise InputError("An upper bound has labels for every class and nothing to self-train on; leave out --self-training.")


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A configuration as a dictionary of dotted names."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def different(one: RunConfig, other: RunConfig) -> list[str]:
    """Dotted names of the settings in which two configurations differ."""
    left, right = flat(one.model_dump()), flat(other.model_dump())
    return [key for key in left if left[key] != right[key]]


def refuse_other_settings(out: Path, chosen: dict[str, Any]) -> None:
    """A run is continued only with what it was started with; settings that `chosen` does not name are taken from the run.

    Raises:
        InputError: naming the first setting that differs.
    """
    folder = RunFolder(Path(out))
    if not folder.config.exists():
        return
    before, _ = load_config(folder)
    asked = with_overrides(before, chosen)
    if changed := different(before, asked):
        was, now = (_setting(config, changed[0]) for config in (before, asked))
        raise InputError(f"{out} was started with {changed[0]} {was}, not {now}; repeat its settings or choose another --out.")


def _setting(config: RunConfig, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value
