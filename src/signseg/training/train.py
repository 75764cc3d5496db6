"""A whole run in its folder: data, audit, the method's steps, self-training, model and state. Scoring it is in `score.py`."""

import copy
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from signseg import __version__
from signseg.classes import ClassSplit
from signseg.config import RunConfig
from signseg.data.audit import audit_names, audit_training_labels
from signseg.data.dataset import Dataset, class_split
from signseg.data.registry import open_dataset
from signseg.data.training_images import TrainingImages
from signseg.errors import InputError, did_you_mean
from signseg.files import folder_lock, write_json
from signseg.methods import METHODS, Materials
from signseg.network import Network
from signseg.stages.frozen_features import FrozenFeatures
from signseg.stages.self_training import SelfTrainingRound, pseudo_label
from signseg.stages.stage import Stage
from signseg.training.folder import RunFolder, load_config, load_network, load_state, save_model, save_network
from signseg.training.interrupt import Interrupted, StopRequest, stop_request
from signseg.training.loop import run_stage, seed_of
from signseg.training.progress import Reporter, Silent
from signseg.training.pseudo_report import round_report, weight_curves


@dataclass
class Run:
    """Everything a run holds while it works."""

    config: RunConfig
    folder: RunFolder
    data: Dataset
    classes: ClassSplit
    images: TrainingImages
    network: Network
    reporter: Reporter
    stop: StopRequest
    state: dict[str, Any] | None = None  # a checkpoint to continue from
    seconds: dict[str, float] = field(default_factory=dict)
    pseudo_rounds: list[dict[str, Any]] = field(default_factory=list)

    def stage(self, build: Callable[[], Stage], name: str, extra: dict[str, Any]) -> None:
        """Run one step, or what is left of it."""
        started, before = time.monotonic(), self.seconds.get(name, 0.0)
        extra = extra | {"seconds": self.seconds, "pseudo_rounds": self.pseudo_rounds}
        stage = build()
        try:
            run_stage(
                stage,
                self.network,
                images=len(self.images),
                seed=self.config.seed,
                folder=self.folder,
                state=self.state,
                extra=extra,
                checkpoint_every=self.config.checkpoint_every,
                reporter=self.reporter,
                stop=self.stop,
                clock=lambda: self.seconds.__setitem__(name, before + time.monotonic() - started),
            )
        finally:
            self.state = None
        if name in METHODS[self.config.method].steps:
            save_network(self.folder.after(name), self.network)


def train(config: RunConfig, out: Path, *, resume: bool = False, reporter: Reporter | None = None, command: str = "") -> Path:
    """Train `config` into the folder `out`: steps of the method, then self-training if the configuration asks for it.

    Args:
        resume: continue an interrupted run with the configuration stored in it; a finished run is left as it is.
    Returns:
        out
    Raises:
        InputError: bad input of any kind, or a folder that already holds a run.
        Interrupted: after SIGTERM or Ctrl-C; the run can be resumed.
    """
    with opened(config, out, resume=resume, reporter=reporter, command=command) as run:
        if run is not None:
            for name, build in steps(run):
                if not passed(run, name):
                    run.stage(build, name, {})
            self_train(run)
            finish(run)
    return out


def train_from(
    source: Path, config: RunConfig, out: Path, *, resume: bool = False, reporter: Reporter | None = None, command: str = ""
) -> Path:
    """Step four alone: self-training of the finished run `source` into the folder `out`. Arguments and errors as `train`."""
    started = load_network(RunFolder(source))
    with opened(config, out, resume=resume, reporter=reporter, command=command) as run:
        if run is not None:
            run.network.load_state_dict(started.state_dict())
            self_train(run)
            finish(run)
    return out


@contextmanager
def opened(config: RunConfig, out: Path, *, resume: bool, reporter: Reporter | None, command: str) -> Iterator[Run | None]:
    """Lock the folder, build data and network, read the checkpoint; None if the run is already finished."""
    folder = RunFolder(Path(out))
    with folder_lock(folder.path), stop_request() as stop:
        record: dict[str, Any] = {}
        if resume:
            config, record = load_config(folder)
        elif folder.config.exists():
            raise InputError(f"{folder.path} already holds a run; continue it with --resume or choose another --out.")
        if record and folder.model.exists():
            yield None
            return
        run = prepare(config, folder, reporter or Silent(), stop)
        if folder.state.exists():
            run.state = load_state(folder)
            run.seconds, run.pseudo_rounds = run.state["seconds"], run.state["pseudo_rounds"]
        if not record:
            write_json(folder.config, {"config": config.model_dump(mode="json"), **provenance(run, command)})
        yield run


def prepare(config: RunConfig, folder: RunFolder, reporter: Reporter, stop: StopRequest) -> Run:
    """Data, classes, audited labels and a freshly initialised network. No file is written."""
    if config.method not in METHODS:
        raise InputError(f"There is no method '{config.method}'; {did_you_mean(config.method, tuple(METHODS))}")
    data = open_dataset(config.data, seed=config.seed)
    classes = class_split(data, tuning=config.tuning, upper_bound=config.upper_bound)
    reporter.say(f"{data.name}: {len(classes.seen)} seen and {len(classes.unseen)} unseen classes; preparing pictures and word vectors")
    words = data.vectors().rows(classes.names)
    images = TrainingImages(data.split("train"), classes, label_policy=config.label_policy)
    audit_training_labels(images, classes)
    audit_names(classes, data.unseen if config.tuning else ())
    torch.manual_seed(seed_of(config.seed, "initialisation"))
    return Run(config, folder, data, classes, images, Network(config, words).eval(), reporter, stop)


def steps(run: Run) -> list[tuple[str, Callable[[], Stage]]]:
    """The steps that the run's method takes. Without unseen classes there is nothing to synthesise: step a is the whole upper bound."""
    recipe = METHODS[run.config.method]
    materials = Materials(run.network, run.images, FrozenFeatures(run.network, run.images), run.classes, run.config)
    names = list(recipe.steps)[: None if run.classes.unseen else 1]
    return [(name, lambda build=recipe.steps[name]: build(materials)) for name in names]


def passed(run: Run, name: str) -> bool:
    """Whether the checkpoint belongs to a later step than `name`."""
    if run.state is None:
        return False
    order = [*METHODS[run.config.method].steps, *(f"self_training_{number + 1}" for number in range(run.config.self_training.rounds))]
    return order.index(run.state["step"]) > order.index(name)


def self_train(run: Run) -> None:
    """Step four: each round relabels with the model it begins with."""
    config = run.config.self_training
    if config.kind == "none" or not run.classes.unseen:
        return
    is_unseen = torch.from_numpy(run.classes.is_unseen)
    for number in range(1, config.rounds + 1):
        name = f"self_training_{number}"
        if passed(run, name):
            continue
        teacher = copy.deepcopy(run.network)
        if run.state is not None and run.state["step"] == name:
            teacher.load_state_dict(run.state["teacher"])
        elif run.state is not None:
            teacher.load_state_dict(run.state["network"])
            run.network.load_state_dict(run.state["network"])
            run.state = None
        run.reporter.say(f"self-training round {number} of {config.rounds}: labelling {len(run.images)} images")
        pseudo = pseudo_label(teacher, run.images, is_unseen, config)
        stage = SelfTrainingRound(run.network, run.images, pseudo, config, number=number)
        if len(run.pseudo_rounds) < number:
            run.pseudo_rounds.append(round_report(number, pseudo, stage.weights, run.data, run.classes, run.images))
        write_json(run.folder.path / "pseudo_labels.json", {"rounds": run.pseudo_rounds, "weights": weight_curves(pseudo)})
        run.stage(lambda stage=stage: stage, name, {"teacher": teacher.state_dict()})


def finish(run: Run) -> None:
    """Write the model; the state is no longer needed, since a finished run has nothing to resume."""
    save_model(run.folder, run.network, run.classes, run.data.palette)
    write_json(run.folder.path / "seconds.json", run.seconds)


def provenance(run: Run, command: str) -> dict[str, Any]:
    """What else fixes the numbers: versions, commit, data and vectors, hardware."""
    return {
        "signseg": __version__,
        "command": command or " ".join(["signseg", *sys.argv[1:]]),
        "commit": commit(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count(), "threads": torch.get_num_threads()},
        "data": {"name": run.data.name, "fingerprint": run.data.fingerprint},
        "vectors": list(run.data.vectors().sources),
    }


def commit() -> str:
    """The commit of the checkout this code runs from, or "" for an installed package."""
    here = Path(__file__).resolve().parent
    try:
        done, tracked = (
            subprocess.run(["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=10, check=False)
            for arguments in (["rev-parse", "--short", "HEAD"], ["ls-files", "--error-unmatch", __file__])
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 and tracked.returncode == 0 else ""


__all__ = ["Interrupted", "Run", "train", "train_from"]
