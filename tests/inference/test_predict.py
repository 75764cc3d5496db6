"""Prediction of pictures of every kind that people have, good, odd and broken."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from signseg.classes import ClassSplit
from signseg.config import PRESETS
from signseg.data.picture_files import MAX_PIXELS, as_rgb
from signseg.errors import InputError
from signseg.files import write_json
from signseg.inference.predict import Segmenter, find_images, load
from signseg.inference.predict_folder import predict_files
from signseg.network import Network
from signseg.training.folder import RunFolder, save_model

CLASSES = ClassSplit({"sky": 3, "road": 1, "cow": 7}, seen=("sky", "road"), unseen=("cow",))
PALETTE = {3: (10, 20, 200), 1: (90, 90, 90), 7: (200, 40, 30)}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A finished run folder with untrained weights: enough to segment, however badly."""
    torch.manual_seed(0)
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write_json(folder.config, {"config": PRESETS["tiny"].model_dump(mode="json")})
    save_model(folder, Network(PRESETS["tiny"], np.eye(3, 5, dtype=np.float32)).eval(), CLASSES, PALETTE)
    return folder.path


@pytest.fixture(scope="module")
def segmenter(run) -> Segmenter:
    return load(run)


def picture(height=30, width=41) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


GREY = Image.fromarray(picture()[..., 0])
KINDS = {
    "rgb.png": Image.fromarray(picture()),
    "grey.png": GREY,
    "grey-alpha.png": GREY.convert("LA"),
    "rgba.png": Image.fromarray(picture()).convert("RGBA"),
    "palette.png": Image.fromarray(picture()).convert("P"),
    "one-bit.png": GREY.convert("1"),
    "sixteen-bit.png": Image.fromarray(picture()[..., 0].astype(np.uint16) * 257),
    "cmyk.jpg": Image.fromarray(picture()).convert("CMYK"),
    "grey.bmp": GREY,
    "rgb.webp": Image.fromarray(picture()),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_picture(tmp_path, segmenter, name):
    KINDS[name].save(tmp_path / name)
    prediction = segmenter.predict(tmp_path / name)
    assert prediction.classes.shape == prediction.confidence.shape == (30, 41)
    assert prediction.classes.dtype == np.uint8 and prediction.classes.max() < 3
    assert (1 / 3 <= prediction.confidence).all() and (prediction.confidence <= 1).all()


@pytest.mark.parametrize("name", ["sixteen-bit.png", "grey-alpha.png", "grey.bmp"])
def test_grey_is_the_same_grey_however_it_is_stored(tmp_path, name):
    KINDS[name].save(tmp_path / name)
    np.testing.assert_array_equal(as_rgb(tmp_path / name), np.repeat(picture()[..., :1], 3, axis=2))


def test_a_picture_is_turned_upright(tmp_path):
    image = Image.fromarray(picture())
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    image.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(as_rgb(tmp_path / "turned.png"), np.rot90(picture(), -1))


def test_path_picture_and_array_agree(tmp_path, segmenter):
    image = Image.fromarray(picture())
    image.save(tmp_path / "rgb.png")
    expected = segmenter.predict(picture()).classes
    np.testing.assert_array_equal(segmenter.predict(tmp_path / "rgb.png").classes, expected)
    np.testing.assert_array_equal(segmenter.predict(str(tmp_path / "rgb.png")).classes, expected)
    np.testing.assert_array_equal(segmenter.predict(image).classes, expected)
    assert image.getpixel((0, 0)) == tuple(picture()[0, 0])  # the caller's picture is still open


@pytest.mark.parametrize("array", [picture().astype(np.float32), picture()[..., 0], picture()[None]])
def test_other_arrays_are_refused(segmenter, array):
    with pytest.raises(InputError, match=r"expected \(H, W, 3\) uint8 RGB"):
        segmenter.predict(array)


def bomb(path: Path, side: int = 60_000) -> Path:
    """A PNG of a few bytes whose header promises side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    return path


def broken(folder: Path) -> dict[str, Path]:
    """Files that are no pictures, by what is wrong."""
    Image.fromarray(picture(300, 300)).save(folder / "whole.png")
    Image.fromarray(picture(300, 300)).save(folder / "whole.jpg")
    data = (folder / "whole.png").read_bytes()
    contents = {
        "corrupt.png": data[:2000] + bytes(200) + data[2200:],
        "cut.png": data[: len(data) // 2],
        "cut.jpg": (folder / "whole.jpg").read_bytes()[:3000],
        "text.png": b"not a picture",
        "empty.jpg": b"",
    }
    for name, text in contents.items():
        (folder / name).write_bytes(text)
    Image.fromarray(picture(1, 1)).save(folder / "one-pixel.png")
    bomb(folder / "bomb.png")
    bomb(folder / "large.png", 10_000)
    return {name: folder / name for name in (*contents, "one-pixel.png", "bomb.png", "large.png")}


def test_broken_pictures_are_named(tmp_path, segmenter):
    said = {}
    for name, path in broken(tmp_path).items():
        with pytest.raises(InputError, match=name) as caught:
            segmenter.predict(path)
        said[name] = str(caught.value)
    assert "1 x 1 pixels; the smaller side must be at least" in said["one-pixel.png"]
    assert f"10000 x 10000 pixels; at most {MAX_PIXELS} are read" in said["large.png"]
    assert "replace it or leave it out" in said["cut.jpg"]


def test_a_missing_picture(segmenter):
    with pytest.raises(InputError, match="nowhere.png does not exist"):
        segmenter.predict("nowhere.png")


def test_files_folders_and_globs(tmp_path):
    for name in ("b.png", "a.JPG", "notes.txt", "below.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "folder.png" / "deep.png").touch()

    def names(*arguments):
        return [path.name for path in find_images([str(tmp_path / argument) for argument in arguments])]

    assert names(".") == ["a.JPG", "b.png", "below.png"]
    assert names("b*.png", "b.png") == ["b.png", "below.png"]
    assert names("**/deep.png") == ["deep.png"]
    for nothing in ("c*.png", "c.png", "folder*", "[.png"):
        with pytest.raises(InputError, match="matches no picture; give an image"):
            names(nothing)


def test_a_folder_with_one_corrupt_picture(tmp_path, run):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for name in ("a.png", "c.png"):
        Image.fromarray(picture()).save(photos / name)
    (photos / "b.png").write_bytes(b"not a picture")
    with pytest.raises(InputError, match=r"1 of 3 pictures could not be segmented: .*b\.png cannot be read"):
        predict_files(run, [str(photos)], out)
    ends = (".png", "_overlay.png", ".json")
    assert {path.name for path in out.iterdir()} == {f"{stem}{end}" for stem in "ac" for end in ends}
    record = json.loads((out / "a.json").read_text())
    assert record["image"] == "a.png" and record["size"] == [30, 41]
    assert sum(entry["share"] for entry in record["classes"]) == pytest.approx(1)
    mask = np.asarray(Image.open(out / "a.png"))
    assert {int(value) for value in np.unique(mask)} == {entry["id"] for entry in record["classes"]} <= set(PALETTE)
    assert all((mask == entry["id"]).mean() == pytest.approx(entry["share"]) for entry in record["classes"])


def test_finished_pictures_are_not_done_again(tmp_path, run, monkeypatch):
    for name in ("a.png", "b.png"):
        Image.fromarray(picture()).save(tmp_path / name)
    done = []
    predict = Segmenter.predict
    monkeypatch.setattr(Segmenter, "predict", lambda self, image: done.append(1) or predict(self, image))
    predict_files(run, [str(tmp_path / "a.png")], tmp_path / "out")
    predict_files(run, [str(tmp_path / "*.png")], tmp_path / "out")
    assert len(done) == 2
    (tmp_path / "out" / "a_overlay.png").unlink()  # as if it had been killed there
    predict_files(run, [str(tmp_path / "*.png")], tmp_path / "out")
    assert len(done) == 3 and (tmp_path / "out" / "a_overlay.png").exists()
    Image.fromarray(picture()[::-1].copy()).save(tmp_path / "a.png")  # another picture of that name
    predict_files(run, [str(tmp_path / "*.png")], tmp_path / "out")
    assert len(done) == 4


def test_pictures_of_one_stem_do_not_overwrite_one_another(tmp_path, run):
    places = ["a/x.png", "b/x.png", "a/x.jpg", "y.png", "y_overlay.png"]
    for place in places:
        (tmp_path / place).parent.mkdir(exist_ok=True)
        Image.fromarray(picture()).save(tmp_path / place)
    predict_files(run, [str(tmp_path / place) for place in places], tmp_path / "out")
    assert len(list((tmp_path / "out").glob("*.json"))) == len(places)
    assert len(list((tmp_path / "out").iterdir())) == 3 * len(places)


def test_a_place_that_cannot_be_written_stops_at_once(tmp_path, run):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Cannot write"):
        predict_files(run, [str(tmp_path / "a.png")], tmp_path / "file")
