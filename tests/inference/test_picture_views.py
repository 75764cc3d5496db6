"""Ways of looking at a picture (bias, flips, scales), the maps a prediction may have, tensors, and how novel pixels are told."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from signseg import cli
from signseg.classes import ClassSplit
from signseg.config import TINY
from signseg.errors import InputError
from signseg.files import write_json
from signseg.inference import predict as predicting
from signseg.inference.novelty import CERTAIN, as_grey, auroc, novelty
from signseg.inference.predict import Segmenter, load
from signseg.inference.predict_folder import predict_files
from signseg.inference.views import Options
from signseg.network import Network
from signseg.training.folder import RunFolder, save_model

CLASSES = ClassSplit({"sky": 3, "road": 1, "cow": 7}, seen=("sky", "road"), unseen=("cow",))
PALETTE = {3: (10, 20, 200), 1: (90, 90, 90), 7: (200, 40, 30)}
PICTURE = np.random.default_rng(0).integers(0, 256, (30, 41, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write_json(folder.config, {"config": TINY.model_dump(mode="json")})
    save_model(folder, Network(TINY, np.eye(3, 5, dtype=np.float32)).eval(), CLASSES, PALETTE)
    return folder.path


@pytest.fixture(scope="module")
def segmenter(run: Path) -> Segmenter:
    return load(run)


def test_a_bias_moves_pixels_to_unseen_classes_and_away(segmenter: Segmenter):
    shares = [(segmenter.looking(bias=bias).predict(PICTURE).classes == 2).mean() for bias in (-1000.0, -0.3, 0.0, 0.3, 1000.0)]
    assert shares[0] == 0 and shares[-1] == 1 and shares == sorted(shares) and len(set(shares)) > 2


def test_probabilities_belong_to_classes_and_confidence(segmenter: Segmenter):
    prediction = segmenter.looking(probabilities=True, bias=0.2, flips=True, scales=(0.75, 1.0)).predict(PICTURE)
    assert prediction.probabilities is not None and prediction.probabilities.shape == (3, 30, 41)
    np.testing.assert_allclose(prediction.probabilities.sum(0, dtype=np.float32), 1, atol=2e-3)
    np.testing.assert_allclose(prediction.probabilities.max(0), prediction.confidence, atol=1e-3)
    assert segmenter.predict(PICTURE).probabilities is None and segmenter.predict(PICTURE).novelty is None


def test_probabilities_that_would_fill_the_memory_are_refused(segmenter: Segmenter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(predicting, "MOST_PROBABILITIES", 3 * 30 * 41 - 1)
    segmenter.predict(PICTURE)
    with pytest.raises(InputError, match="leave out --probabilities"):
        segmenter.looking(probabilities=True).predict(PICTURE)


def test_flips_make_a_picture_and_its_mirror_image_agree(segmenter: Segmenter):
    both = segmenter.looking(flips=True)
    here, there = both.predict(PICTURE), both.predict(PICTURE[:, ::-1].copy())
    np.testing.assert_allclose(here.confidence, there.confidence[:, ::-1], atol=1e-5)
    assert np.abs(here.confidence - segmenter.predict(PICTURE).confidence).max() > 1e-3


@pytest.mark.parametrize("size", [(17, 29), (64, 20)])
def test_fitted_pictures_can_be_scaled_and_flipped(segmenter: Segmenter, size: tuple[int, int]):
    fitted = Segmenter(segmenter.network, segmenter.split, segmenter.palette, image_size=(32, 48))
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    for options in (Options(), Options(flips=True, scales=(0.5, 1.0, 1.5))):
        assert fitted.looking(**vars(options)).predict(picture).classes.shape == size


@pytest.mark.parametrize("wrong", [{"scales": ()}, {"scales": (0.0,)}, {"scales": (float("nan"),)}, {"bias": float("nan")}, {"bias": 1e9}])
def test_options_out_of_range_are_refused(segmenter: Segmenter, wrong: dict):
    with pytest.raises(InputError, match="give"):
        segmenter.looking(**wrong)


@pytest.mark.parametrize("change", [lambda t: t, lambda t: t[None], lambda t: t.float() / 255, lambda t: t.double() / 255])
def test_a_tensor_is_the_same_picture(segmenter: Segmenter, change):
    tensor = change(torch.from_numpy(PICTURE).permute(2, 0, 1))
    np.testing.assert_array_equal(segmenter.predict(tensor).classes, segmenter.predict(PICTURE).classes)


@pytest.mark.parametrize("shape", [(30, 41), (30, 41, 3), (2, 3, 8, 8)], ids=str)
def test_tensors_of_other_shapes_are_refused(segmenter: Segmenter, shape: tuple[int, ...]):
    with pytest.raises(InputError, match="expected"):
        segmenter.predict(torch.rand(shape))


@pytest.mark.parametrize("tensor", [2 * torch.ones(3, 8, 8), torch.ones(3, 8, 8).int(), torch.full((3, 8, 8), torch.nan)])
def test_tensors_of_other_values_are_refused(segmenter: Segmenter, tensor: torch.Tensor):
    with pytest.raises(InputError, match="expected"):
        segmenter.predict(tensor)


# ---- novelty


def slow_auroc(novel: np.ndarray, known: np.ndarray) -> float:
    """Every pair, one by one."""
    wins = [1.0 if one > other else 0.5 if one == other else 0.0 for one in novel.ravel() for other in known.ravel()]
    return sum(wins) / len(wins)


def test_auroc_counts_pairs():
    random = np.random.default_rng(0)
    for spread in (0, 1, 3):
        novel, known = random.integers(spread, 6 + spread, (5, 8)).astype(float), random.integers(0, 6, 50).astype(float)
        assert auroc(novel, known) == pytest.approx(slow_auroc(novel, known))
    assert auroc(np.array([2.0]), np.array([1.0])) == 1 and auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([]), np.array([1.0])) is None and auroc(np.array([1.0]), np.array([])) is None


def test_novelty_is_high_where_no_class_fits():
    scores = torch.tensor([[[9.0, 0.5, 0.5]], [[-3.0, 0.4, 9.0]]])
    values = novelty(scores).numpy()
    assert values[0, 1] > values[0, 0] == values[0, 2]
    np.testing.assert_array_equal(as_grey(np.array([[-2 * CERTAIN, -CERTAIN, 0.0, 5.0]])), [[0, 0, 255, 255]])


def test_novelty_does_not_depend_on_the_bias(segmenter: Segmenter):
    here, there = (segmenter.looking(novelty=True, bias=bias).predict(PICTURE).novelty for bias in (0.0, 5.0))
    assert here is not None and there is not None
    np.testing.assert_array_equal(here, there)


# ---- the command


def test_the_command_writes_what_was_asked_for_and_does_it_again_when_asked_otherwise(run: Path, tmp_path: Path, capsys):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    out = tmp_path / "out"
    extra = ["--bias", "1000", "--flips", "--scales", "0.75,1", "--probabilities", "--novelty"]
    assert cli.main(["predict", str(run), str(tmp_path / "a.png"), "--out", str(out), *extra]) == 0
    names = {"a.png", "a_overlay.png", "a_novelty.png", "a_probabilities.npz", "a.json"}
    assert {path.name for path in out.iterdir()} == names
    record = json.loads((out / "a.json").read_text())
    assert [entry["name"] for entry in record["classes"]] == ["cow"] and record["mean_novelty"] < 0
    assert record["options"] == {"bias": 1000.0, "flips": True, "scales": [0.75, 1.0], "probabilities": True, "novelty": True}
    with np.load(out / "a_probabilities.npz") as stored:
        assert stored["probabilities"].shape == (3, 30, 41) and list(stored["names"]) == ["sky", "road", "cow"]
    capsys.readouterr()
    assert cli.main(["predict", str(run), str(tmp_path / "a.png"), "--out", str(out), *extra]) == 0
    assert "a.png:" not in capsys.readouterr().out, "it was done"
    (out / "a_novelty.png").unlink()
    assert cli.main(["predict", str(run), str(tmp_path / "a.png"), "--out", str(out), *extra]) == 0
    assert "a.png:" in capsys.readouterr().out and (out / "a_novelty.png").exists()
    assert cli.main(["predict", str(run), str(tmp_path / "a.png"), "--out", str(out)]) == 0
    assert "a.png:" in capsys.readouterr().out
    for option, value, sentence in (("--scales", "0", "scales are 0"), ("--scales", "a", "invalid"), ("--bias", "nan", "bias is nan")):
        assert cli.main(["predict", str(run), str(tmp_path / "a.png"), "--out", str(out), option, value]) == 2
        assert sentence in capsys.readouterr().err


def test_a_picture_that_a_run_cannot_take_does_not_stop_the_others(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, side in (("a.png", 20), ("b.png", 60)):
        Image.fromarray(np.zeros((side, side, 3), np.uint8)).save(tmp_path / name)
    monkeypatch.setattr(predicting, "MOST_PROBABILITIES", 3 * 20 * 20)
    with pytest.raises(InputError, match=r"1 of 2 pictures could not be segmented: Probabilities of 3 classes for 60 x 60"):
        predict_files(run, [str(tmp_path)], tmp_path / "out", Options(probabilities=True))
    assert (tmp_path / "out" / "a.json").exists() and not (tmp_path / "out" / "b.json").exists()
