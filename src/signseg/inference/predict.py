"""A trained run on pictures: index mask, overlay with legend, and class shares. It is given no label and no word, only images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from signseg.classes import ClassSplit
from signseg.data.fitting import Size, fit_image, scores_at
from signseg.data.picture_files import IMAGE_SUFFIXES, as_rgb
from signseg.data.transforms import to_tensor
from signseg.errors import InputError
from signseg.files import write_atomically, write_json
from signseg.network import Network
from signseg.training.folder import RunFolder, load_classes, load_config, load_network


@dataclass(frozen=True)
class Prediction:
    """classes: (H, W) uint8 training ids; confidence: (H, W) float32, softmax of the predicted class."""

    classes: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class Segmenter:
    """A loaded run: the network, its classes, their colours by raw id, and the size of training if pictures are fitted to it."""

    network: Network
    split: ClassSplit
    palette: dict[int, tuple[int, int, int]]
    image_size: Size | None = None

    def predict(self, image: Image.Image | np.ndarray | Path | str) -> Prediction:
        """Segment one picture at its own resolution.

        Args:
            image: a path, a PIL image, or (H, W, 3) uint8 RGB.
        Raises:
            InputError: not a readable picture, or one that is too small or too large.
        """
        pixels = as_rgb(image)
        with torch.no_grad():
            images = to_tensor(pixels[None])
            scores = self.network(images if self.image_size is None else fit_image(images[0], self.image_size)[None])
            scores = scores_at(scores, (pixels.shape[0], pixels.shape[1]), self.image_size)
            confidence, classes = scores.softmax(1).max(1)
        return Prediction(classes[0].numpy().astype(np.uint8), confidence[0].numpy())


def load(run: Path | str) -> Segmenter:
    """Load a finished run folder for inference.

    Raises:
        InputError: the run is missing, unfinished or damaged.
    """
    folder = RunFolder(Path(run))
    split, palette = load_classes(folder)
    network = load_network(folder)
    if len(split.names) != len(network.embedding_map.table):
        found = f"{len(split.names)} classes but the model {len(network.embedding_map.table)}"
        raise InputError(f"{folder.classes} has {found}; restore it or train again.")
    return Segmenter(network, split, palette, load_config(folder)[0].image_size)


def find_images(arguments: Sequence[str]) -> list[Path]:
    """Files, folders (all pictures in them, not below) and globs, in order, each once.

    Raises:
        InputError: an argument that matches nothing.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            matches = sorted(item for item in path.iterdir() if item.suffix.lower() in IMAGE_SUFFIXES and item.is_file())
        elif path.exists():
            matches = [path]
        else:
            root = Path(path.anchor) if path.is_absolute() else Path()
            pattern = str(path.relative_to(path.anchor)) if any(mark in argument for mark in "*?[") else ""
            matches = sorted(item for item in root.glob(pattern) if item.is_file()) if pattern else []
        if not matches:
            raise InputError(f"'{argument}' matches no picture; give an image ({', '.join(IMAGE_SUFFIXES)}), a folder or a glob.")
        found |= dict.fromkeys(matches)
    return list(found)


def write_prediction(
    prediction: Prediction, pixels: np.ndarray, segmenter: Segmenter, out: Path, stem: str, origin: dict[str, str]
) -> dict[str, float]:
    """Write `stem`.png (index mask with palette), `stem`_overlay.png and, last, `stem`.json, which says that the picture is done.

    Args:
        pixels: (H, W, 3) uint8 RGB, the picture.
        origin: what the JSON says about where the prediction comes from.
    Returns:
        Share of pixels by class name, largest first.
    """
    mask = index_mask(segmenter.split.raw_labels(prediction.classes), segmenter.palette)
    write_atomically(out / f"{stem}.png", lambda handle: mask.save(handle, format="PNG"))
    counts = np.bincount(prediction.classes.ravel(), minlength=len(segmenter.split.names))
    present = [int(position) for position in np.argsort(-counts, kind="stable") if counts[position]]
    entries = [
        {
            "name": segmenter.split.names[position],
            "id": segmenter.split.raw_ids[segmenter.split.names[position]],
            "unseen": bool(segmenter.split.is_unseen[position]),
            "share": counts[position] / prediction.classes.size,
            "mean_confidence": float(prediction.confidence[prediction.classes == position].mean()),
        }
        for position in present
    ]
    picture = overlay(pixels, prediction, segmenter, present)
    write_atomically(out / f"{stem}_overlay.png", lambda handle: picture.save(handle, format="PNG"))
    write_json(out / f"{stem}.json", origin | {"size": list(prediction.classes.shape), "classes": entries})
    return {entry["name"]: entry["share"] for entry in entries}


def index_mask(raw: np.ndarray, palette: dict[int, tuple[int, int, int]]) -> Image.Image:
    """(H, W) uint8 raw ids -> a palette PNG image."""
    image = Image.frombytes("P", raw.shape[::-1], raw.tobytes())
    table = np.zeros((256, 3), dtype=np.uint8)
    for raw_id, colour in palette.items():
        table[raw_id] = colour
    image.putpalette(table.ravel().tolist())
    return image


def overlay(image: np.ndarray, prediction: Prediction, segmenter: Segmenter, present: list[int], *, opacity: float = 0.5) -> Image.Image:
    """The picture under half-transparent class colours, enlarged to be readable, with a legend to its right; * marks unseen classes."""
    names = segmenter.split.names
    colours = np.array([segmenter.palette[segmenter.split.raw_ids[name]] for name in names], dtype=np.float64)
    mixed = (1 - opacity) * image + opacity * colours[prediction.classes]
    factor = max(1, 384 // max(image.shape[:2]))
    enlarged = (image.shape[1] * factor, image.shape[0] * factor)
    picture = Image.fromarray(mixed.round().astype(np.uint8)).resize(enlarged, Image.Resampling.NEAREST)
    line, width = 18, 200
    canvas = Image.new("RGB", (picture.width + width, max(picture.height, line * len(present) + 8)), "white")
    canvas.paste(picture)
    draw = ImageDraw.Draw(canvas)
    for row, position in enumerate(present):
        top = 6 + row * line
        colour = tuple(int(value) for value in colours[position])
        draw.rectangle((picture.width + 8, top, picture.width + 22, top + 12), fill=colour, outline="black")
        share = (prediction.classes == position).mean()
        label = f"{names[position]}{'*' if segmenter.split.is_unseen[position] else ''} {share:.1%}"
        draw.text((picture.width + 28, top), label, fill="black")
    return canvas
