"""A run folder: its files by name, and how the model and the resumable state are read and written."""

import io
import json
import pickle
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
    def calibration(self) -> Path:
        return self.path / "calibration.json"


def save_state(folder: RunFolder, state: dict[str, Any]) -> None:
    """Write state.pt atomically."""
    write_atomically(folder.state, lambda handle: torch.save(state, handle))


def load_state(folder: RunFolder) -> dict[str, Any]:
    """Read state.pt with weights_only, so that nothing in it can run.

    Raises:
        InputError: missing or damaged.
    """
    try:
        return torch.load(folder.state, weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{folder.state} does not exist; there is nothing to resume: start without --resume.") from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"{folder.state} is damaged and cannot be resumed; delete the folder and start again.") from error


def save_network(path: Path, network: Network) -> None:
    """Write all weights and buffers."""
    data = safetensors.torch.save({name: tensor.contiguous() for name, tensor in network.state_dict().items()})
    write_atomically(path, lambda handle: handle.write(data))


def save_model(folder: RunFolder, network: Network, classes: ClassSplit, palette: dict[int, tuple[int, int, int]]) -> None:
    """Write model.safetensors (E, SIM, M, G, D, C) and classes.json."""
    save_network(folder.model, network)
    entries = [
        {"id": classes.raw_ids[name], "name": name, "seen": name in classes.seen, "colour": list(palette[classes.raw_ids[name]])}
        for name in classes.names
    ]
    write_json(folder.classes, {"ignore": classes.ignore, "classes": entries})


def load_config(folder: RunFolder) -> tuple[RunConfig, dict[str, Any]]:
    """The run's configuration, and the whole of config.json (versions, hashes, command)."""
    record = read_json(folder.config)
    if not isinstance(record, dict) or "config" not in record:
        raise InputError(f"{folder.config} has no 'config' entry; expected a file written by signseg train.")
    return parse(record["config"]), record


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
        return split, {int(entry["id"]): tuple(entry["colour"]) for entry in entries}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder.classes} is not a class list ({error}); restore it or train again.") from error


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
    except (OSError, safetensors.SafetensorError, RuntimeError, KeyError) as error:
        raise InputError(f"{path} is damaged or does not fit config.json; restore it or train again.") from error
    return network.eval()


def truncate_metrics(folder: RunFolder, *, step: str, iteration: int) -> None:
    """Drop lines that are later than the checkpoint, so that a resumed run writes them once."""
    if not folder.metrics.exists():
        return
    kept = io.StringIO()
    for line in folder.metrics.read_text().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            break  # a line cut off by the interruption
        if record["step"] == step and record["iteration"] > iteration:
            break
        kept.write(line + "\n")
    write_atomically(folder.metrics, lambda handle: handle.write(kept.getvalue().encode()))
