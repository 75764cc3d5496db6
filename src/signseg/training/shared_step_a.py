"""Runs that differ in later steps alone have the same step a: it is trained once and taken over, bit for bit. It trains nothing itself."""

from pathlib import Path

from signseg import __version__
from signseg.config import RunConfig
from signseg.errors import InputError
from signseg.methods import METHODS
from signseg.network import Network
from signseg.precision import chosen_here
from signseg.training.folder import RunFolder, load_config, load_network, seconds_of
from signseg.training.settings import different

# Settings that step a never reads. All others must agree, widths of G and D included: they come before C when weights are drawn.
LATER = ("method", "step_b", "step_c", "self_training", "variant", "preset", "checkpoint_every")


def same_step_a(one: RunConfig, other: RunConfig) -> bool:
    """Whether two configurations have the same step a, and the same weights before it."""
    first, second = (METHODS[config.method] for config in (one, other))
    changed = different(chosen_here(one), chosen_here(other))
    same_boxes = first.steps["step_a"] is second.steps["step_a"] and first.without == second.without
    return same_boxes and all(key.split(".")[0] in LATER for key in changed)


def find_step_a(config: RunConfig, fingerprint: str, runs: Path, *, besides: Path) -> Path | None:
    """A run in the folder `runs` whose step a is that of `config` on the same data, trained by this version; None without one.

    Args:
        fingerprint: of the data of `config`.
        besides: a run folder that does not count.
    """
    for path in sorted(runs.glob("*")):
        folder = RunFolder(path)
        if path == besides or not (folder.after("step_a").exists() and folder.seconds.exists()):
            continue
        before, record = load_config(folder)
        if (record.get("signseg"), record.get("data", {}).get("fingerprint")) == (__version__, fingerprint) and same_step_a(before, config):
            return path
    return None


def take_step_a(network: Network, config: RunConfig, source: Path) -> float:
    """Give `network`, freshly initialised, the E, SIM and C of `source` after step a; returns the seconds that they took to train.

    Raises:
        InputError: `source` is not finished, or has another step a.
    """
    folder = RunFolder(Path(source))
    before, _ = load_config(folder)
    if not same_step_a(before, config):
        raise InputError(f"{source} has another step a than this run; leave it out, or repeat its settings.")
    trained, seconds = load_network(folder, step="step_a"), seconds_of(folder)
    if "step_a" not in seconds:
        raise InputError(f"{source} does not say how long its step a took; train this run from the beginning.")
    for name in ("encoder", "spatial", "classifier"):
        getattr(network, name).load_state_dict(getattr(trained, name).state_dict())
    return seconds["step_a"]
