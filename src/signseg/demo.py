"""`signseg demo`: the whole method on the built-in world, from drawing the pictures to the report."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from signseg.config import RunConfig, with_overrides
from signseg.data.registry import open_dataset
from signseg.files import folder_lock, write_atomically, write_json
from signseg.inference.predict import load
from signseg.modules.positional import ENCODINGS
from signseg.report.gallery import Shown, write_gallery
from signseg.report.page import write_report
from signseg.report.tables import plain_table, summarise
from signseg.training import settings
from signseg.training.folder import RunFolder, load_network
from signseg.training.progress import Reporter
from signseg.training.score import score_run
from signseg.training.train import train, train_from

SHOWN = 8  # test pictures in the report: the first ones, whatever they look like
RIVALS = ("spnet", "zs3net")  # before self-training
COLUMNS = {"step-a": "step a", "sign": "SIGN", "sign-st": "SIGN + ST", "sign-ast": "SIGN + AST", "spnet": "SPNet", "zs3net": "ZS3Net"}


def run_demo(out: Path, *, preset: str, seed: int, reporter: Reporter) -> None:
    """Train SIGN, continue it with ST and with AST, train two rivals, score all on the test split, write results.json and report.html.

    Runs that an earlier, interrupted demo left in `out` are continued.
    """
    started = time.monotonic()
    chosen = {"preset": preset, "data": "world", "method": "sign", "seed": seed}
    config = with_overrides(settings.preset(preset), chosen)
    settings.refuse_other_settings(out / "sign", chosen)
    with folder_lock(out):
        train(config, out / "sign", resume=(out / "sign" / "config.json").exists(), reporter=reporter)
        rows = score_run(out / "sign", step="step_a", reporter=reporter) + score_run(out / "sign", reporter=reporter)
        for kind in ("st", "ast"):
            run = out / f"sign-{kind}"
            continued = with_overrides(config, {"self_training.kind": kind})
            train_from(out / "sign", continued, run, resume=(run / "config.json").exists(), reporter=reporter)
            rows += score_run(run, reporter=reporter)
        for method in RIVALS:
            rival = with_overrides(settings.preset(preset, method), chosen | {"method": method})
            train(rival, out / method, resume=(out / method / "config.json").exists(), reporter=reporter)
            rows += score_run(out / method, reporter=reporter)
        write_json(out / "results.json", {"rows": rows, "summary": summarise(rows), "verdicts": []})
        write_pictures(out, config)
        write_encodings(out / "sign", config)
        write_report(out)
    reporter.say(plain_table(rows))
    reporter.say(f"done in {time.monotonic() - started:.0f} s; open {out / 'report.html'}")


def write_pictures(out: Path, config: RunConfig) -> None:
    """Image, truth and the prediction of every stage for the first test pictures, as the report expects them."""
    after = load(out / "sign")
    stages = {"step-a": replace(after, network=load_network(RunFolder(out / "sign"), step="step_a"))}
    stages |= {name: load(out / name) for name in COLUMNS if name not in stages}

    def masks(image: np.ndarray) -> dict[str, np.ndarray]:
        return {name: stage.split.raw_labels(stage.predict(image).classes) for name, stage in stages.items()}

    pictures = open_dataset(config.data, seed=config.seed).split("test")[:SHOWN]
    shown = [Shown(picture.name, picture.image, picture.mask, masks(picture.image)) for picture in pictures]
    write_gallery(out, shown, COLUMNS, after.palette)


def write_encodings(run: Path, config: RunConfig) -> None:
    """The encodings at two feature sizes (the article's Figure 3), drawn from the code that training uses."""
    channels, (height, width) = config.encoder.features, config.spatial.training_grid
    maps = {}
    for name in ("relative", "absolute", "absolute-interpolated"):
        for factor in (1.0, 1.5):
            h, w = round(height * factor), round(width * factor)
            maps[f"{name} {h}x{w}"] = ENCODINGS[name](channels, h, w, config.spatial).numpy()
    write_atomically(run / "figures" / "encodings.npz", lambda handle: np.savez_compressed(handle, allow_pickle=False, **maps))

