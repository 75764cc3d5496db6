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
from signseg.config import RunConfig, with_overrides
from signseg.data.audit import audit_names, audit_training_labels
from signseg.data.dataset import Dataset, class_split
from signseg.data.fitting import canvas_for
from signseg.data.registry import open_dataset
from signseg.data.training_images import TrainingImages
from signseg.errors import InputError
from signseg.files import LOCK, folder_lock, remove_parts, write_json
from signseg.methods import METHODS, Materials
from signseg.network import Network
from signseg.precision import chosen_here, precision
from signseg.stages.frozen_features import FrozenFeatures
from signseg.stages.self_training import SelfTrainingRound, pseudo_label
from signseg.stages.stage import Stage
from signseg.training.folder import RunFolder, load_config, load_network, load_state, save_model, save_network, seconds_of
from signseg.training.interrupt import Interrupted, stop_request
from signseg.training.keepsake import keepsake_of, save_keepsake
from signseg.training.loop import run_stage, seed_of
from signseg.training.progress import Reporter, Silent
from signseg.training.pseudo_report import round_report, weight_curves, write_weight_maps
from signseg.training.settings import check, different
from signseg.training.shared_step_a import take_step_a

OF_STEP_FOUR = ("self_training", "variant", "preset", "checkpoint_every")  # settings that a self-training run may change


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
    state: dict[str, Any] | None = None  # a checkpoint to continue from
    seconds: dict[str, float] = field(default_factory=dict)
    pseudo_rounds: list[dict[str, Any]] = field(default_factory=list)

    def stage(self, build: Callable[[], Stage], name: str, extra: dict[str, Any]) -> None:
        """Run one step, or what is left of it."""
        started, before = time.monotonic(), self.seconds.get(name, 0.0)
        extra = extra | {"config": self.config.model_dump(mode="json"), "seconds": self.seconds, "pseudo_rounds": self.pseudo_rounds}
        with stop_request() as stop:
            run_stage(
                build(),
                self.network,
                images=len(self.images),
                seed=self.config.seed,
                folder=self.folder,
                state=self.state,
                extra=extra,
                checkpoint_every=self.config.checkpoint_every,
                reporter=self.reporter,
                stop=stop,
                clock=lambda: self.seconds.__setitem__(name, round(before + time.monotonic() - started, 3)),
            )
        self.state = None
        if name in METHODS[self.config.method].steps:
            save_network(self.folder.after(name), self.network)


def train(
    config: RunConfig,
    out: Path,
    *,
    resume: bool = False,
    reporter: Reporter | None = None,
    command: str = "",
    step_a: Path | None = None,
) -> Path:
    """Train `config` into the folder `out`: steps of the method, then self-training if the configuration asks for it.

    Args:
        resume: continue an interrupted run with the configuration stored in it; a finished run is left as it is.
        step_a: a run whose step a is the same and is taken over; the weights are those that training it again would give.
    Returns:
        out
    Raises:
        InputError: bad input of any kind, or a folder that already holds a run.
        Interrupted: after SIGTERM or Ctrl-C; the run can be resumed.
    """
    with opened(config, out, resume=resume, reporter=reporter, command=command) as run:
        if run is not None:
            begin = 0
            if step_a is not None and run.state is None:
                run.seconds["step_a"] = take_step_a(run.network, run.config, step_a)
                save_network(run.folder.after("step_a"), run.network)
                begin = 1
            for name, build in steps(run)[begin:]:
                if not passed(run, name):
                    run.stage(build, name, {})
            self_train(run)
            finish(run)
    return out


def train_from(
    source: Path, config: RunConfig, out: Path, *, resume: bool = False, reporter: Reporter | None = None, command: str = ""
) -> Path:
    """Step four alone: self-training of the finished run `source` into the folder `out`. Arguments and errors as `train`.

    Raises:
        InputError: also where `config` differs from the source's in more than self-training.
    """
    origin, config = RunFolder(Path(source)), chosen_here(config)
    if origin.path.resolve() == Path(out).resolve():
        raise InputError(f"{out} is the run to start from; choose another --out.")
    started, (before, record) = load_network(origin), load_config(origin)
    if record.get("changes"):
        raise InputError(f"The classes of {source} were changed after its training; self-training starts from runs as they were trained.")
    if config.image_size is None:  # what was chosen for the first steps holds
        config = with_overrides(config, {"image_size": before.image_size})
    if changed := [key for key in different(before, config) if key.split(".")[0] not in OF_STEP_FOUR]:
        raise InputError(f"Setting '{changed[0]}' belongs to steps before self-training; leave it as it is in {source}, or train anew.")
    with opened(config, out, resume=resume, reporter=reporter, command=command) as run:
        if run is not None:
            run.network.load_state_dict(started.state_dict())
            run.seconds = seconds_of(origin) | run.seconds
            self_train(run)
            finish(run)
    return out


@contextmanager
def opened(config: RunConfig, out: Path, *, resume: bool, reporter: Reporter | None, command: str) -> Iterator[Run | None]:
    """Lock the folder, build data and network, read the checkpoint; None if the run is already finished."""
    folder, config = RunFolder(Path(out)), chosen_here(config)
    if resume and not (folder.config.exists() or begun(folder.path)):
        raise InputError(f"{folder.path} holds no run to resume; check --out, or start without --resume.")
    check(config)
    with folder_lock(folder.path):
        record: dict[str, Any] = {}
        if folder.config.exists():
            if not resume:
                raise InputError(f"{folder.path} already holds a run; continue it with --resume or choose another --out.")
            config, record = load_config(folder)
        elif folder.state.exists() or folder.model.exists():
            raise InputError(f"{folder.path} holds a run without config.json; restore that file or choose another --out.")
        if folder.model.exists():
            yield None
            return
        remove_parts(folder.path)
        state = load_state(folder, config) if folder.state.exists() else None
        if record:
            refuse_changed_data(config, folder, record)
        run = prepare(config, folder, reporter or Silent())
        if state is not None:
            run.state, run.seconds, run.pseudo_rounds = state, state["seconds"], state["pseudo_rounds"]
        if not record:
            write_json(folder.config, {"config": run.config.model_dump(mode="json"), **provenance(run, command)})
        yield run


def refuse_changed_data(config: RunConfig, folder: RunFolder, record: dict[str, Any]) -> None:
    """A run goes on with the pictures, masks and vectors it began with.

    Raises:
        InputError: they have changed since.
    """
    data, before = open_dataset(config.data, seed=config.seed), record.get("data")
    if isinstance(before, dict) and before.get("fingerprint", data.fingerprint) != data.fingerprint:
        raise InputError(f"'{data.name}' has changed since {folder.path} was started; restore its files or train anew into another --out.")


def begun(path: Path) -> bool:
    """Whether a run was stopped in this folder before it had anything to keep: nothing is there but the lock."""
    return path.is_dir() and [item.name for item in path.iterdir()] == [LOCK]


def prepare(config: RunConfig, folder: RunFolder, reporter: Reporter) -> Run:
    """Data, classes, audited labels and a freshly initialised network. No file is written."""
    data = open_dataset(config.data, seed=config.seed)
    classes = class_split(data, tuning=config.tuning, upper_bound=config.upper_bound, unseen_names=config.unseen_names)
    reporter.say(f"{data.name}: {len(classes.seen)} seen and {len(classes.unseen)} unseen classes; preparing pictures and word vectors")
    words = data.vectors().of_source(config.vectors).rows(classes.names)
    pictures = data.split("train")
    if config.image_size is None and (chosen := canvas_for(pictures)):
        config = with_overrides(config, {"image_size": chosen})
        advice = "small things need more: --set image_size=HEIGHT,WIDTH"
        reporter.say(f"{len(pictures)} training pictures are fitted into {chosen[0]} x {chosen[1]} pixels (height x width); {advice}")
    images = TrainingImages(
        pictures,
        classes,
        label_policy=config.label_policy,
        image_size=config.image_size,
        progress=lambda done, total: reporter.advance("read pictures", done, total),
    )
    audit_training_labels(images, classes)
    audit_names(classes, data.unseen if config.tuning else ())
    torch.manual_seed(seed_of(config.seed, "initialisation"))
    return Run(config, folder, data, classes, images, Network(config, words).eval(), reporter)


def steps(run: Run) -> list[tuple[str, Callable[[], Stage]]]:
    """The steps that the run's method takes. Step a is the whole upper bound; a run without unseen names learns G for names to come."""
    recipe = METHODS[run.config.method]
    materials = Materials(run.network, run.images, FrozenFeatures(run.network, run.images), run.classes, run.config)
    names = list(recipe.steps)[: 1 if run.config.upper_bound else None]
    return [(name, lambda build=recipe.steps[name]: build(materials)) for name in names]


def passed(run: Run, name: str) -> bool:
    """Whether the checkpoint belongs to a later step than `name`."""
    if run.state is None:
        return False
    order = [*METHODS[run.config.method].steps, *(f"self_training_{number + 1}" for number in range(run.config.self_training.rounds))]
    if run.state["step"] not in order:
        raise InputError(f"{run.folder.state} was left in the unknown step {run.state['step']!r}; delete the folder and start again.")
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
        if run.state is not None:  # stopped within this round
            teacher.load_state_dict(run.state["teacher"])
        run.reporter.say(f"self-training round {number} of {config.rounds}: labelling {len(run.images)} images")
        pseudo = pseudo_label(teacher, run.images, is_unseen, config)
        stage = SelfTrainingRound(run.network, run.images, pseudo, config, number=number, precision=precision(run.config))
        if len(run.pseudo_rounds) < number:
            run.pseudo_rounds.append(round_report(number, pseudo, stage, run.data, run.classes, run.images))
        write_json(run.folder.path / "pseudo_labels.json", {"rounds": run.pseudo_rounds, "weights": weight_curves(pseudo)})
        write_weight_maps(run.folder.path / "figures" / "pseudo_labels.npz", pseudo, stage.weights, run.images, run.classes)
        run.stage(lambda stage=stage: stage, name, {"teacher": teacher.state_dict()})


def finish(run: Run) -> None:
    """Write times, what later classes need, and the model; the model comes last, since a folder with one is a finished run."""
    write_json(run.folder.seconds, run.seconds)
    save_keepsake(run.folder, keepsake_of(run.network, run.images, run.classes, run.data, run.config))
    save_model(run.folder, run.network, run.classes, run.data.palette)


def provenance(run: Run, command: str) -> dict[str, Any]:
    """What else fixes the numbers: versions, commit, data and vectors, hardware."""
    return {
        "signseg": __version__,
        "paper": METHODS[run.config.method].paper,
        "command": command or " ".join(["signseg", *sys.argv[1:]]),
        "commit": commit(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count(), "threads": torch.get_num_threads()},
        "data": {"name": run.data.name, "fingerprint": run.data.fingerprint},
        "vectors": list(run.data.vectors().of_source(run.config.vectors).sources),
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
