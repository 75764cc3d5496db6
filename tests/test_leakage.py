"""No label of an unseen class reaches the training, and no label at all reaches a prediction: tested by changing them."""

import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import signseg
from signseg.classes import ClassSplit
from signseg.config import TINY, RunConfig, with_overrides
from signseg.data import registry
from signseg.data.dataset import Picture, class_split
from signseg.data.world import World
from signseg.data.world.catalogue import NOTHING, RAW_IDS, UNSEEN, VALIDATION_UNSEEN
from signseg.errors import InputError
from signseg.evaluation.evaluate import evaluate
from signseg.inference.predict import Segmenter
from signseg.network import Network
from signseg.training import train as training
from signseg.training.score import score_run
from signseg.training.train import train

Change = Callable[[np.ndarray], np.ndarray]
STEPS = ("step_a", "step_b", "step_c", "self_training")


def unchanged(mask: np.ndarray) -> np.ndarray:
    return mask


def changes(unseen: tuple[str, ...]) -> dict[str, Change]:
    """Ways to rewrite the labels of unseen classes, and nothing else."""
    ids = [RAW_IDS[name] for name in unseen]

    def rotate(mask: np.ndarray) -> np.ndarray:
        table = np.arange(256, dtype=np.uint8)
        table[ids] = np.roll(ids, 1)
        return table[mask]

    def scatter(mask: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(int(mask.sum())).choice(ids, mask.shape)
        return np.where(np.isin(mask, ids), random, mask).astype(np.uint8)

    def erase(mask: np.ndarray) -> np.ndarray:
        return np.where(np.isin(mask, ids), NOTHING, mask).astype(np.uint8)

    return {"other unseen": rotate, "random unseen": scatter, "nothing": erase}


class Rewritten(World):
    """The small world with rewritten training masks, rewritten true masks, or both."""

    def __init__(self, *, masks: Change = unchanged, truth: Change = unchanged, seed: int = 0) -> None:
        super().__init__(seed=seed, partial=0.3, train_images=16, val_images=4, test_images=6)
        self.masks, self.truth = masks, truth

    def split(self, name: str, *, scale: float = 1.0) -> Sequence[Picture]:
        pictures = super().split(name, scale=scale)
        return [Picture(p.name, p.image, self.masks(p.mask)) for p in pictures] if name == "train" else pictures

    def true_split(self, name: str, *, scale: float = 1.0) -> Sequence[Picture]:
        return [Picture(p.name, p.image, self.truth(p.mask)) for p in super().true_split(name, scale=scale)]


def tiny(**overrides: Any) -> RunConfig:
    settings: dict[str, Any] = {"data": "rewritten", "self_training.kind": "ast", "self_training.rounds": 2, "self_training.top_p": 0}
    settings |= {f"{step}.iterations": 3 for step in STEPS} | {f"{step}.batch_size": 4 for step in STEPS}
    return with_overrides(TINY, settings | overrides)


def train_on(data: World, out: Path, **overrides: Any) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.DATASETS, "rewritten", lambda seed: data)
        return train(tiny(**overrides), out)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Runs on the labels as they are, by whether they are tuning runs."""
    folder = tmp_path_factory.mktemp("honest")
    return {tuning: train_on(Rewritten(), folder / f"tuning-{tuning}", tuning=tuning) for tuning in (False, True)}


def files(run: Path) -> dict[str, bytes]:
    """Everything that training computed, apart from times."""
    names = [path.name for path in run.glob("*.safetensors")] + ["metrics.jsonl"]
    return {name: (run / name).read_bytes() for name in names}


@pytest.mark.parametrize("change", ["other unseen", "random unseen", "nothing"])
def test_rewriting_every_unseen_label_of_the_training_set_changes_no_bit(change: str, honest: dict[bool, Path], tmp_path: Path) -> None:
    rewrite = changes(UNSEEN)[change]
    assert any((rewrite(p.mask) != p.mask).any() for p in Rewritten().split("train"))
    assert files(train_on(Rewritten(masks=rewrite), tmp_path / "run")) == files(honest[False])


def test_a_tuning_run_knows_neither_its_own_unseen_labels_nor_the_real_ones(honest: dict[bool, Path], tmp_path: Path) -> None:
    rewrite = changes(UNSEEN + VALIDATION_UNSEEN)["random unseen"]
    assert files(train_on(Rewritten(masks=rewrite), tmp_path / "run", tuning=True)) == files(honest[True])


def test_rewriting_a_seen_label_does_change_the_run(honest: dict[bool, Path], tmp_path: Path) -> None:
    """So the tests above can fail."""
    seen = tuple(name for name in RAW_IDS if name not in UNSEEN)
    run = train_on(Rewritten(masks=changes(seen)["other unseen"]), tmp_path / "run")
    assert files(run)["model.safetensors"] != files(honest[False])["model.safetensors"]


def test_the_true_masks_reach_the_report_and_nothing_else(honest: dict[bool, Path], tmp_path: Path) -> None:
    run = train_on(Rewritten(truth=changes(UNSEEN)["other unseen"]), tmp_path / "run")
    assert files(run) == files(honest[False])
    reports = [json.loads((path / "pseudo_labels.json").read_text()) for path in (run, honest[False])]
    assert reports[0]["rounds"][0]["precision"] != reports[1]["rounds"][0]["precision"]
    for report in reports:
        for entry in report["rounds"]:
            entry.pop("precision")
            entry["per_class"] = {name: values["pixels"] for name, values in entry["per_class"].items()}
    assert reports[0] == reports[1]


def test_a_tuning_run_has_neither_the_labels_nor_the_names_of_real_unseen_classes(honest: dict[bool, Path]) -> None:
    segmenter = signseg.load(honest[True])
    assert segmenter.split.unseen == VALIDATION_UNSEEN and not set(segmenter.split.names) & set(UNSEEN)
    vectors = Rewritten().vectors()
    table = segmenter.network.embedding_map.table.numpy()
    np.testing.assert_array_equal(table, vectors.rows(segmenter.split.names))
    assert not (table[:, None] == vectors.rows(UNSEEN)).all(2).any()


# ---- the audit


def test_the_audit_stops_a_planted_breach_before_anything_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClassSplit, "training_labels", ClassSplit.evaluation_labels)
    with pytest.raises(InputError, match="Leakage audit: training image 'train-"):
        train_on(Rewritten(), tmp_path / "run")
    assert not list((tmp_path / "run").glob("*.safetensors")) and not (tmp_path / "run" / "metrics.jsonl").exists()


def test_the_audit_stops_a_tuning_run_that_knows_a_real_unseen_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaky(data: World, *, tuning: bool, **further: bool) -> ClassSplit:
        split = class_split(data, tuning=tuning, **further)
        return ClassSplit(split.raw_ids, split.seen, (*split.unseen, data.unseen[0]), split.ignore)

    monkeypatch.setattr(training, "class_split", leaky)
    with pytest.raises(InputError, match=f"Leakage audit: class '{UNSEEN[0]}'"):
        train_on(Rewritten(), tmp_path / "run", tuning=True)


# ---- the upper bound


def test_the_upper_bound_says_that_it_uses_unseen_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DATASETS, "rewritten", lambda seed: Rewritten())
    upper_bound = {"upper_bound": True, "self_training.kind": "none"}
    run = train(tiny(**upper_bound), tmp_path / "run")
    (row,) = score_run(run)
    assert row["variant"] == "upper-bound" and row["protocol"]["uses_unseen_labels"] is True
    assert set(row["miou"]) >= {"seen", "unseen"} and row["miou"]["unseen"] is not None
    assert {json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()} == {"step_a"}
    rewritten = train_on(Rewritten(masks=changes(UNSEEN)["nothing"]), tmp_path / "without", **upper_bound)
    assert files(rewritten)["model.safetensors"] != files(run)["model.safetensors"]


# ---- prediction


@pytest.mark.parametrize("function", [Network.forward, Segmenter.predict])
def test_prediction_takes_a_picture_and_nothing_else(function: Callable) -> None:
    assert len(inspect.signature(function).parameters) == 2  # self and the picture


def test_prediction_works_without_any_data_set(honest: dict[bool, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Rewritten().split("test")[0].image
    expected = signseg.load(honest[False]).predict(picture)
    monkeypatch.setattr(registry, "DATASETS", {})
    monkeypatch.setenv("SIGNSEG_CACHE", str(tmp_path / "empty"))
    prediction = signseg.load(honest[False]).predict(picture)
    np.testing.assert_array_equal(prediction.classes, expected.classes)
    assert not (tmp_path / "empty").exists()


def test_scores_do_not_depend_on_the_labels_they_are_scored_with(honest: dict[bool, Path]) -> None:
    segmenter, pictures = signseg.load(honest[False]), Rewritten().split("test")
    found = []
    for masks in (lambda mask: mask, lambda mask: np.zeros_like(mask)):
        scores: list[torch.Tensor] = []

        def note(images: torch.Tensor, scores: list[torch.Tensor] = scores) -> torch.Tensor:
            scores.append(segmenter.network(images))
            return scores[-1]

        evaluate(note, [Picture(p.name, p.image, masks(p.mask)) for p in pictures], segmenter.split)
        found.append(torch.cat(scores))
    assert torch.equal(*found)
