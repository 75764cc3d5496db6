"""The user's own folder: pairs, masks, colours, fingerprint, vectors, sentences, what becomes a training label, and every command on it."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from small_folder import CLASSES, COLOURS, COUNTS, SIZE, VOID, draw, save_mask, write_description, write_folder

from signseg import load
from signseg.classes import IGNORE, UNANNOTATED
from signseg.cli import main
from signseg.data.dataset import Dataset, class_split
from signseg.data.folder import Folder, made_colours
from signseg.data.registry import located, open_dataset
from signseg.data.training_images import TrainingImages
from signseg.errors import InputError
from signseg.evaluation.evaluate import evaluate, protocol_for

CAMVID = Path(__file__).parents[2] / ".." / "shared" / "data" / "camvid" / "dataset.yaml"
SEVERAL = (SIZE, (60, 30), (33, 90))


@pytest.fixture
def farm(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "farm")


def labels(path: Path, canvas: tuple[int, int], *, tuning: bool = False) -> torch.Tensor:
    data = open_dataset(str(path))
    return TrainingImages(data.split("train"), class_split(data, tuning=tuning), image_size=canvas).labels


def test_a_folder_is_a_data_set(farm: Path) -> None:
    data: Dataset = open_dataset(str(farm))
    assert (data.name, data.unseen, data.validation_unseen, data.ignore) == ("farm", ("barn",), ("lake",), VOID)
    assert data.background == "ignored" and data.raw_ids == {name: number for number, name in enumerate(CLASSES)}
    for split, count in COUNTS.items():
        pictures = data.split(split)
        assert len(pictures) == count and [picture.name for picture in pictures] == [str(number) for number in range(count)]
        assert pictures[-1].name == pictures[1:][-1].name == str(count - 1)
    image, mask = draw(101)
    np.testing.assert_array_equal(data.split("val")[1].image, image)
    np.testing.assert_array_equal(data.split("val")[1].mask, mask)


def test_pictures_are_read_when_they_are_asked_for(farm: Path) -> None:
    pictures = Folder(farm).split("train")
    (farm.parent / "images" / "train" / "3.png").write_bytes(b"")
    assert len(pictures) == 6 and pictures[2].image.shape == (*SIZE, 3) and len(pictures[2:5]) == 3
    with pytest.raises(InputError, match="3.png cannot be read as a picture"):
        pictures[3]


def test_images_are_turned_upright_and_become_rgb(farm: Path) -> None:
    folder = farm.parent / "images" / "train"
    image = Image.fromarray(draw(0)[0])
    exif = image.getexif()
    exif[0x0112] = 8  # shown a quarter turn to the left of how it is stored
    image.transpose(Image.Transpose.ROTATE_270).save(folder / "0.png", exif=exif)
    Image.fromarray(draw(1)[0]).convert("L").save(folder / "1.png")
    pictures = Folder(farm).split("train")
    np.testing.assert_array_equal(pictures[0].image, draw(0)[0])
    assert pictures[1].image.shape == (*SIZE, 3) and pictures.sizes() == [SIZE] * 6


def test_grey_masks_are_ids_too(farm: Path) -> None:
    Image.fromarray(draw(0)[1]).save(farm.parent / "masks" / "train" / "0.png")
    np.testing.assert_array_equal(Folder(farm).split("train")[0].mask, draw(0)[1])


def test_colours_are_the_masks_own_or_made(farm: Path) -> None:
    assert Folder(farm).palette == dict(enumerate(COLOURS)) | {VOID: (0, 0, 0)}
    Image.fromarray(draw(0)[1]).save(farm.parent / "masks" / "train" / "0.png")
    made = Folder(farm).palette
    assert len(set(made.values())) == len(CLASSES) + 1 and made != dict(enumerate(COLOURS)) | {VOID: (0, 0, 0)}
    assert len(set(made_colours(250))) == 250


def test_the_fingerprint_follows_what_is_there_and_not_when(farm: Path) -> None:
    seen = {Folder(farm).fingerprint}
    os.utime(farm.parent / "images" / "test" / "0.png", (1, 1))
    assert {Folder(farm).fingerprint} == seen
    for name in ("images/test/0.png", "masks/val/1.png", "words.vec", "dataset.yaml"):
        with open(farm.parent / name, "ab") as handle:
            handle.write(b"\n")
        seen.add(Folder(farm).fingerprint)
    assert len(seen) == 5
    (farm.parent / "elsewhere").mkdir()
    assert Folder(write_folder(farm.parent / "elsewhere")).fingerprint == Folder(write_folder(farm.parent / "again")).fingerprint


def test_vectors_of_classes_and_of_further_words(farm: Path) -> None:
    data = Folder(farm)
    vectors = data.vectors()
    assert vectors.names == (*CLASSES, "meadow", "wet_snow") and data.extra_names == ("meadow", "wet_snow")
    np.testing.assert_allclose(np.linalg.norm(vectors.matrix, axis=1), 1, atol=1e-6)
    assert vectors.sources[0]["file"] == "words.vec"


def test_an_excluded_class_needs_no_vector_and_has_no_label(farm: Path) -> None:
    write_description(farm.parent, classes=[*CLASSES[:2], "tarmac", *CLASSES[3:]], exclude=["tarmac"])
    data = Folder(farm)
    assert "tarmac" not in data.vectors().names and "tarmac" not in class_split(data).names
    write_description(farm.parent, classes=[*CLASSES[:2], "tarmac", *CLASSES[3:]])
    with pytest.raises(InputError, match="No word vector for 'tarmac' in words.vec"):
        Folder(farm).vectors()


def test_further_pictures_are_accepted_and_left_alone(farm: Path) -> None:
    write_description(farm.parent, unlabelled=["nowhere/*.jpg"])
    assert len(Folder(farm).split("train")) == 6


# ---- what becomes a label


@pytest.mark.parametrize("tuning", [False, True])
def test_rewriting_unseen_labels_changes_no_training_label(farm: Path, tuning: bool) -> None:
    unseen = [CLASSES.index(name) for name in (("barn", "lake") if tuning else ("barn",))]
    before = labels(farm, (24, 32), tuning=tuning)
    for number in range(COUNTS["train"]):
        _, mask = draw(number)
        mask[np.isin(mask, unseen)] = 100 if number % 2 else unseen[-1]
        save_mask(mask, farm.parent / "masks" / "train" / f"{number}.png")
    assert torch.equal(labels(farm, (24, 32), tuning=tuning), before)
    mask[mask == 0] = 1
    save_mask(mask, farm.parent / "masks" / "train" / f"{number}.png")
    assert not torch.equal(labels(farm, (24, 32), tuning=tuning), before)  # so the test can fail


def test_void_is_never_learned_and_unknown_ids_are_not_annotated(farm: Path) -> None:
    found = labels(farm, SIZE)
    assert (found[:, :2] == IGNORE).all() and (found[:, 2:6, :6] == UNANNOTATED).all()
    assert (labels(farm, (SIZE[0], 2 * SIZE[1]))[:, :, SIZE[1] :] == IGNORE).all()


def test_pictures_of_several_sizes_train_at_one(tmp_path: Path) -> None:
    data = Folder(write_folder(tmp_path, SEVERAL))
    images = TrainingImages(data.split("train"), class_split(data), image_size=(40, 56))
    assert images.images.shape == (6, 40, 56, 3) and images.images.dtype == np.uint8
    np.testing.assert_array_equal(images.images[0], data.split("train")[0].image)
    with pytest.raises(InputError, match="image_size=HEIGHT,WIDTH"):
        TrainingImages(data.split("train"), class_split(data))


def test_pictures_of_any_size_are_scored_at_their_own_masks(tmp_path: Path) -> None:
    """A model that knows the colours gets nearly everything right, so labels and scores lie on one another."""
    data = Folder(write_folder(tmp_path, SEVERAL))
    colours = torch.tensor(COLOURS)[:, :, None, None] / 255
    shown = []

    def by_colour(images: torch.Tensor) -> torch.Tensor:
        shown.append(tuple(images.shape[-2:]))
        order = [data.raw_ids[name] for name in class_split(data).names]
        return -20 * (images[:, None] - colours[order]).abs().sum(2)

    found = evaluate(by_colour, data.split("test"), class_split(data), protocol=protocol_for("pixel", (80, 112)))
    counted = sum(int((picture.mask < len(CLASSES)).sum()) for picture in data.split("test"))
    assert set(shown) == {(80, 112)} and int(found.matrix().sum()) == counted
    assert found.scores()["pixel_accuracy"]["all"] > 0.9


# ---- sentences


def spoil_size(root: Path) -> None:
    save_mask(draw(0, (20, 20))[1], root / "masks" / "train" / "0.png")


def spoil_colours(root: Path) -> None:
    Image.fromarray(draw(0)[0]).save(root / "masks" / "train" / "0.png")


def spoil_depth(root: Path) -> None:
    Image.fromarray(draw(0)[1].astype(np.uint16)).save(root / "masks" / "train" / "0.png")


def spoil_lossy(root: Path) -> None:
    Image.fromarray(draw(0)[1]).save(root / "masks" / "train" / "0.png", format="JPEG")


def spoil_cut(root: Path) -> None:
    image = root / "images" / "train" / "0.png"
    image.write_bytes(image.read_bytes()[:300])


def spoil_cut_mask(root: Path) -> None:
    mask = root / "masks" / "train" / "2.png"
    mask.write_bytes(mask.read_bytes()[:-60])


def spoil_pair(root: Path) -> None:
    (root / "masks" / "test" / "1.png").unlink()


def spoil_split(root: Path) -> None:
    write_description(root, splits={"train": "train", "val": "val", "test": "tests"})


def spoil_stem(root: Path) -> None:
    Image.fromarray(draw(0)[0]).save(root / "images" / "train" / "0.bmp")
    write_description(root, images="images/{split}/*")


def spoil_words(root: Path) -> None:
    (root / "words.vec").unlink()


def spoil_name(root: Path) -> None:
    write_description(root, name="world")


def spoil_classes(root: Path) -> None:
    write_description(root, classes=["sky", "gras", *CLASSES[2:]])


def spoil_ids(root: Path) -> None:
    write_description(root, classes={200 + number: name for number, name in enumerate(CLASSES)})


SPOILT = {
    spoil_size: "0.png has 56 x 40 pixels and its mask 20 x 20",
    spoil_colours: "0.png has pixels of type RGB; expected one 8-bit class id",
    spoil_depth: "0.png has 16 bits a pixel",
    spoil_lossy: "0.png is a JPEG, which changes the ids",
    spoil_cut: "images/train/0.png cannot be read as a picture",
    spoil_cut_mask: "masks/train/2.png cannot be read as a picture",
    spoil_pair: "in the split 'test' 1 image has no mask of the same stem, the first is 1.png",
    spoil_split: "no file matches 'images/tests/*.png' ('images', split 'test')",
    spoil_stem: "0.bmp and 0.png in the split 'train' have one stem",
    spoil_words: "words.vec does not exist; correct 'vectors'",
    spoil_name: "is called 'world', like a built-in data set",
    spoil_classes: "No word vector for 'gras' in words.vec; the nearest words are 'grass'",
    spoil_ids: "No training pixel has the label of a seen class",
}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_a_training_on_a_wrong_folder_is_refused_in_one_sentence(farm: Path, spoil: Any, capsys: pytest.CaptureFixture) -> None:
    spoil(farm.parent)
    out = farm.parent / "run"
    assert main(["train", "--data", str(farm), "--method", "sign", "--preset", "tiny", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert SPOILT[spoil] in error and error.count("\n") == 1 and error.endswith((".\n", "?\n"))
    assert not out.exists()


def test_other_sizes_splits_and_names_are_refused(farm: Path) -> None:
    with pytest.raises(InputError, match="--scale 1.5 is for built-in worlds"):
        Folder(farm).split("test", scale=1.5)
    with pytest.raises(InputError, match="no split 'tset'; did you mean 'test'"):
        Folder(farm).split("tset")
    with pytest.raises(InputError, match=re.escape(f"give the file in it: {farm}")):
        open_dataset(str(farm.parent))
    with pytest.raises(InputError, match="none.yaml does not exist"):
        open_dataset("none.yaml")


def test_a_run_remembers_the_whole_path(farm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(farm.parent)
    assert located("dataset.yaml") == str(farm) and located("world") == "world" and located("wrld") == "wrld"


# ---- every command


def test_train_evaluate_predict_and_info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    write_folder(tmp_path / "farm", SEVERAL, background="ignore")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["signseg"])
    train = ["train", "--data", "farm/dataset.yaml", "--method", "sign", "--preset", "tiny"]
    assert main([*train, "--self-training", "ast", "--out", "run"]) == 0
    assert "6 training pictures are fitted into 64 x 90 pixels" in capsys.readouterr().out
    assert main([*train, "--tuning", "--out", "tuning"]) == 0
    assert (tmp_path / "tuning" / "calibration.json").exists() and (tmp_path / "run" / "curve.json").exists()
    monkeypatch.chdir(tmp_path / "run")  # a run can be scored from anywhere
    assert main(["evaluate", ".", "--calibration", "../tuning/calibration.json"]) == 0
    assert main(["evaluate", ".", "--split", "val"]) == 0
    monkeypatch.chdir(tmp_path)
    record = json.loads((tmp_path / "run" / "config.json").read_text())
    assert record["config"]["image_size"] == [64, 90]
    assert record["data"] == {"name": "farm", "fingerprint": Folder(Path("farm/dataset.yaml")).fingerprint}
    rows = json.loads((tmp_path / "run" / "results.json").read_text())["rows"]
    assert [(row["split"], row["calibrated"]) for row in rows] == [("test", False), ("test", True), ("val", False)]
    assert {row["data"] for row in rows} == {"farm"}
    card = rows[0]["protocol"]
    assert (card["background"], card["pretraining"], card["image_size"]) == ("ignored", "none", [64, 90])
    assert [entry["file"] for entry in card["vectors"]] == ["words.vec"] and card["classes"] == {"seen": 4, "unseen": 1}
    assert main(["predict", "run", "farm/images/test/*.png", "--out", "predictions"]) == 0
    for number, size in enumerate(SEVERAL):
        with Image.open(tmp_path / "predictions" / f"{number}.png") as mask:
            assert mask.size == size[::-1] and set(np.unique(np.asarray(mask))) <= set(range(len(CLASSES)))
    capsys.readouterr()
    assert main(["info", "run"]) == 0
    assert "farm" in capsys.readouterr().out
    assert main([*train, "--self-training", "ast", "--out", "run", "--resume"]) == 0


def test_step_four_and_other_sizes(farm: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(farm.parent)
    train = ["train", "--data", "dataset.yaml", "--method", "sign", "--preset", "tiny", "--set", "image_size=24,40"]
    assert main([*train, "--out", "run"]) == 0 and load("run").image_size == (24, 40)
    assert main(["self-train", "run", "--self-training", "st", "--out", "st"]) == 0
    assert load("st").predict("images/test/0.png").classes.shape == SIZE
    assert main([*train[:-1], "image_size=24", "--out", "none"]) == 2
    assert "'image_size.1' is ['24']" in capsys.readouterr().err


def test_a_run_goes_on_with_the_pictures_it_began_with(farm: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    run = ["train", "--data", str(farm), "--method", "sign", "--preset", "tiny", "--out", str(farm.parent / "run")]
    with monkeypatch.context() as patch:
        patch.setattr("signseg.training.loop.batch_index", stop)
        assert main(run) == 130
    picture = farm.parent / "images" / "train" / "0.png"
    whole = picture.read_bytes()
    picture.write_bytes(whole + b"\n")
    assert main([*run, "--resume"]) == 2
    assert "'farm' has changed since" in capsys.readouterr().err
    picture.write_bytes(whole)
    assert main([*run, "--resume"]) == 0


def test_a_benchmark_compares_runs_on_a_folder(farm: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(farm.parent)
    for module in ("signseg.benchmark.tables", "signseg.report.page"):
        monkeypatch.setattr(f"{module}.write_report", lambda folder: folder)
    benchmark = ["benchmark", "--suite", "systems", "--data", "dataset.yaml", "--seeds", "1", "--preset", "tiny", "--out", "table"]
    assert main(benchmark) == 0
    results = json.loads((farm.parent / "table" / "results.json").read_text())
    assert {row["data"] for row in results["rows"]} == {"farm"} and all(verdict["n"] == 1 for verdict in results["verdicts"])
    capsys.readouterr()
    assert main(benchmark) == 0 and "missing runs" not in capsys.readouterr().out


def test_real_pictures() -> None:
    if not CAMVID.exists():
        pytest.skip(f"no real pictures here: {CAMVID.name} of CamVid is not in ../shared/data/camvid")
    data = Folder(CAMVID)
    assert [len(data.split(name)) for name in ("train", "val", "test")] == [367, 101, 233]
    classes = class_split(data)
    assert classes.names[-2:] == ("pavement", "bicyclist") and "pole" not in classes.names and len(classes.names) == 10
    assert data.vectors().rows(classes.names).shape == (10, 600) and len(data.extra_names) > 150
    images = TrainingImages(data.split("train")[:3], classes, image_size=(96, 128))
    assert images.images.shape == (3, 96, 128, 3) and set(images.labels.unique().tolist()) <= {*range(8), UNANNOTATED, IGNORE}
    assert data.palette[0] == (128, 128, 128)  # sky, in CamVid's own colours
