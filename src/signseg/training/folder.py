"""A run folder: its files by name, and how the model and the resumable state are read and written."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch

from signseg.classes import ClassSplit
from signseg.config import RunConfig, parse
from signseg.errors import InputError
from signseg.files import read_json, write_atomically, write_json
from signseg.network import Network

STATE_KEYS = {"config", "step", "iteration", "network", "players", "seconds", "pseudo_rounds"}


@dataclass(frozen=True)
class RunFolder:
    """Paths of a run (fixed names, see the README)."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    def after(self, step: str) -> Path:
        """The network as a step left it, for tables and pictures of the way there."""
        return self.path / f"{step}.safetensors"

    @property
    def classes(self) -> Path:
        return self.path / "classes.json"

    @property
    def state(self) -> Path:
        return self.path / "state.pt"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def results(self) -> Path:
        return self.path / "results.json"

    @property
    def memory(self) -> Path:
        return self.path / "memory.safetensors"

    @property
    def vectors(self) -> Path:
        return self.path / "vectors.safetensors"

    @property
    def names(self) -> Path:
        return self.path / "names.json"

    @property
    def seconds(self) -> Path:
        return self.path / "seconds.json"

    @property
    def calibration(self) -> Path:
        return self.path / "calibration.json"


def save_state(folder: RunFolder, state: dict[str, Any]) -> None:
    """Write state.pt atomically. Serialised in memory first: torch hides a full disk behind errors of its own."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(folder.state, lambda handle: handle.write(buffer.getbuffer()))


def load_state(folder: RunFolder, config: RunConfig) -> dict[str, Any]:
    """Read state.pt with weights_only, so that nothing in it can run.

    Raises:
        InputError: damaged, or written by a run with another configuration.
    """
    try:
        state = torch.load(folder.state, weights_only=True)
        fits = parse(state["config"]) == config  # settings that came with a later version have their defaults in both
    except Exception as error:  # a damaged pickle raises whatever its bytes happen to say
        raise InputError(f"{folder.state} is damaged and cannot be resumed; delete the folder and start again.") from error
    if not fits or not state.keys() >= STATE_KEYS:
        raise InputError(f"{folder.state} belongs to another configuration than config.json; delete the folder and start again.")
    return state


def save_network(path: Path, network: Network) -> None:
    """Write all weights and buffers."""
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    write_atomically(path, lambda handle: handle.write(data))


def save_model(folder: RunFolder, network: Network, classes: ClassSplit, palette: dict[int, tuple[int, int, int]]) -> None:
    """Write classes.json, then model.safetensors (E, SIM, M, G, D, C), whose presence says that the run is finished."""
    entries = [
        {"id": classes.raw_ids[name], "name": name, "seen": name in classes.seen, "colour": list(palette[classes.raw_ids[name]])}
        for name in classes.names
    ]
    write_json(folder.classes, {"ignore": classes.ignore, "classes": entries})
    save_network(folder.model, network)


def load_config(folder: RunFolder) -> tuple[RunConfig, dict[str, Any]]:
    """The run's configuration, and the whole of config.json (versions, hashes, command)."""
    record = read_json(folder.config)
    if not isinstance(record, dict) or "config" not in record:
        raise InputError(f"{folder.config} has no 'config' entry; expected a file written by signseg train.")
    try:
        return parse(record["config"]), record
    except InputError as error:
        raise InputError(f"{folder.config}: {error}") from error


def load_classes(folder: RunFolder) -> tuple[ClassSplit, dict[int, tuple[int, int, int]]]:
    """Classes of a trained model in the order of training ids, and their colours by raw id."""
    record = read_json(folder.classes)
    try:
        entries = record["classes"]
        split = ClassSplit(
            {entry["name"]: int(entry["id"]) for entry in entries},
            tuple(entry["name"] for entry in entries if entry["seen"]),
            tuple(entry["name"] for entry in entries if not entry["seen"]),
            int(record["ignore"]),
        )
        return split, {int(entry["id"]): _colour(entry["colour"]) for entry in entries}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder.classes} is not a class list ({error}); restore it or train again.") from error


def _colour(value: list[int]) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in value)
    if not all(0 <= part < 256 for part in (red, green, blue)):
        raise ValueError(f"the colour {value}")
    return red, green, blue


def load_network(folder: RunFolder, *, step: str | None = None) -> Network:
    """The trained network (or as `step` left it), in eval mode. Reads JSON and safetensors only: no code of the run is executed.

    Raises:
        InputError: a file is missing, damaged, or does not fit the configuration.
    """
    config, _ = load_config(folder)
    path = folder.after(step) if step else folder.model
    try:
        state = safetensors.torch.load_file(path)
        network = Network(config, np.empty(state["embedding_map.table"].shape, dtype=np.float32))
        network.load_state_dict(state)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; the run has not finished: continue it with --resume.") from error
    except (OSError, safetensors.SafetensorError, RuntimeError, KeyError, ValueError) as error:
        raise InputError(f"{path} is damaged or does not fit config.json; restore it or train again.") from error
    return network.eval()


def seconds_of(folder: RunFolder) -> dict[str, float]:
    """Training time by step, self-training rounds apart; empty for a run that has none recorded."""
    if not folder.seconds.exists():
        return {}
    record = read_json(folder.seconds)
    try:
        return {str(step): float(seconds) for step, seconds in record.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{folder.seconds} is not a list of times ({error}); delete it.") from error


def truncate_metrics(folder: RunFolder, *, step: str, iteration: int) -> None:
    """Drop lines that are later than the checkpoint, so that a resumed run writes them once."""
    if not folder.metrics.exists():
        return
    kept = io.StringIO()
    for line in folder.metrics.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            if record["step"] == step and record["iteration"] > iteration:
                break
        except (ValueError, KeyError, TypeError):
            break  # a line cut off by the interruption
        kept.write(line + "\n")
    write_atomically(folder.metrics, lambda handle: handle.write(kept.getvalue().encode()))
