"""Pictures on the page: masks beside the image, error maps, and data URIs. Files are read as they are; nothing is predicted here."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from signseg.errors import InputError

WRONG, RIGHT, VOID = (217, 102, 31), (214, 230, 243), (150, 150, 150)  # vermilion, pale blue, grey: told apart by lightness too
LARGEST = 480  # pixels; longer sides are shrunk so that the page stays small


@dataclass(frozen=True)
class Tile:
    """One column of a picture: what is shown above and below, each with a caption."""

    above: str  # data URIs
    above_caption: str
    below: str | None
    below_caption: str


@dataclass(frozen=True)
class Strip:
    """One picture with everything that is known about it."""

    caption: str
    tiles: list[Tile]


def error_map(prediction: np.ndarray, truth: np.ndarray, scored: set[int]) -> tuple[np.ndarray, float | None]:
    """Where a prediction is wrong.

    Args:
        prediction, truth: (H, W) raw ids.
        scored: raw ids of the classes that count; other pixels of the truth are void.
    Returns:
        (H, W, 3) uint8 picture in RIGHT, WRONG and VOID, and the wrong share of the pixels that count (None if none does).
    Raises:
        InputError: the two masks differ in size.
    """
    if prediction.shape != truth.shape:
        raise InputError(f"A prediction of {prediction.shape} does not fit a truth of {truth.shape}; write both at the image's size.")
    counts = np.isin(truth, list(scored))
    wrong = counts & (prediction != truth)
    picture = np.full((*truth.shape, 3), VOID, dtype=np.uint8)
    picture[counts] = RIGHT
    picture[wrong] = WRONG
    return picture, float(wrong.sum() / counts.sum()) if counts.any() else None


def strip(folder: Path, caption: str, columns: list[tuple[str, str]], palette: dict[int, tuple[int, int, int]]) -> Strip:
    """The tiles of one picture's folder: image over truth, then each prediction over its error map. Missing files have no tile.

    Args:
        columns: (file name without .png, caption) of the predictions.
        palette: raw id -> colour of the classes that are scored.
    """
    truth_file, tiles = folder / "truth.png", []
    truth = _ids(truth_file) if truth_file.exists() else None
    image = Image.open(folder / "image.png").convert("RGB") if (folder / "image.png").exists() else None
    shown_truth = None if truth is None else data_uri(coloured(truth, palette))
    if image is not None:
        tiles.append(Tile(data_uri(image, smooth=True), "image", shown_truth, "truth"))
    elif shown_truth:
        tiles.append(Tile(shown_truth, "truth", None, ""))
    for name, title in columns:
        if (folder / f"{name}.png").exists():
            prediction = _ids(folder / f"{name}.png")
            errors, share = (None, None) if truth is None else error_map(prediction, truth, set(palette))
            below = None if errors is None else data_uri(Image.fromarray(errors))
            below_caption = "" if share is None else f"{100 * share:.0f} % wrong"
            tiles.append(Tile(data_uri(coloured(prediction, palette)), title, below, below_caption))
    return Strip(caption, tiles)


def weight_strip(
    caption: str, image: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, palette: dict[int, tuple[int, int, int]]
) -> Strip:
    """A training image (H, W, 3), its pseudo-labels (h, w) and their weights (h, w), white where they are 1 and black where they are 0."""
    grey = Image.fromarray((255 * weights.astype(np.float32)).round().astype(np.uint8))
    shown = [(data_uri(Image.fromarray(image), smooth=True), "image"), (data_uri(coloured(labels, palette)), "pseudo-labels")]
    return Strip(caption, [Tile(uri, text, None, "") for uri, text in [*shown, (data_uri(grey), "weights")]])


def data_uri(picture: Image.Image, *, smooth: bool = False) -> str:
    """A PNG data URI, shrunk to LARGEST; masks without smoothing."""
    if max(picture.size) > LARGEST:
        scale = LARGEST / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return png_uri(buffer.getvalue())


def png_uri(data: bytes) -> str:
    """PNG bytes as a data URI."""
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _ids(path: Path) -> np.ndarray:
    """(H, W) uint8 raw ids of an index PNG.

    Raises:
        InputError: not a single-channel picture.
    """
    with Image.open(path) as picture:
        if picture.mode not in ("P", "L"):
            raise InputError(f"{path} has mode {picture.mode}; expected an index PNG (mode P or L): write class ids, not colours.")
        return np.asarray(picture)


def coloured(ids: np.ndarray, palette: dict[int, tuple[int, int, int]]) -> Image.Image:
    """(H, W) uint8 raw ids -> an index picture; ids without a colour are VOID."""
    table = np.full((256, 3), VOID, dtype=np.uint8)
    for position, colour in palette.items():
        table[position] = colour
    picture = Image.fromarray(ids)
    picture.putpalette(table.tobytes())
    return picture
