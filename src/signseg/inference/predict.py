"""A trained run on pictures: index mask, overlay with legend, and class shares. It is given no label and no word, only images."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from signseg.classes import ClassSplit
from signseg.config import RunConfig
from signseg.data.fitting import Size
from signseg.data.picture_files import IMAGE_SUFFIXES, as_rgb
from signseg.data.transforms import from_tensor, to_tensor
from signseg.errors import InputError
from signseg.files import write_atomically, write_json
from signseg.inference.novelty import as_grey, novelty
from signseg.inference.views import Options, strips, views
from signseg.network import Network
from signseg.training.folder import RunFolder, load_classes, load_config, load_network
from signseg.training.keepsake import Keepsake, load_keepsake

SMALLEST_OVERLAY, LARGEST_OVERLAY = 384, 2048  # the longer side of an overlay in pixels, about
MOST_PROBABILITIES = 500_000_000  # values of one picture; 1 GB in half precision


@dataclass(frozen=True)
class Prediction:
    """What a picture shows, at its own resolution.

    classes: (H, W) uint8 training ids; confidence: (H, W) float32, softmax of the predicted class;
    probabilities: (k, H, W) float16, and novelty: (H, W) float32 (see `novelty`), where `Options` asks for them.
    """

    classes: np.ndarray
    confidence: np.ndarray
    probabilities: np.ndarray | None = None
    novelty: np.ndarray | None = None


@dataclass(frozen=True)
class Segmenter:
    """A loaded run: the network, its classes, their colours by raw id, and the size of training if pictures are fitted to it.

    options: how it looks at pictures; `looking(flips=True)` gives a copy with others. run: the folder it was loaded from, for what is
    read only when classes are changed; keepsake, changes: what is different from there since.
    """

    network: Network
    split: ClassSplit
    palette: dict[int, tuple[int, int, int]]
    image_size: Size | None = None
    options: Options = Options()
    run: Path | None = None
    keepsake: Keepsake | None = None
    changes: tuple[dict[str, list[str]], ...] = ()

    def predict(self, image: Image.Image | np.ndarray | torch.Tensor | Path | str) -> Prediction:
        """Segment one picture at its own resolution; large ones in tiles.

        Args:
            image: a path, a PIL image, (H, W, 3) uint8 RGB, or a tensor (3, H, W) of uint8 or of floats in [0, 1].
        Raises:
            InputError: not a readable picture, one that is too small or too large, or probabilities that would not fit in memory.
        """
        pixels = as_pixels(image)
        size = pixels.shape[0], pixels.shape[1]
        kept = Maps.empty(size, len(self.split.names), self.options)
        unseen = torch.from_numpy(self.split.is_unseen)[:, None, None]
        with torch.no_grad():
            for top, scores in strips(views(self.network, to_tensor(pixels[None]), self.image_size, self.options), size):
                kept.add(top, scores, self.options.bias * unseen)
        return Prediction(kept.classes, kept.confidence, kept.probabilities, kept.novelty)

    def looking(self, **options: Any) -> "Segmenter":
        """A copy that looks at pictures with these `Options`."""
        return replace(self, options=replace(self.options, **options))

    def add_class(self, *names: str, vectors: Sequence[Path | str] = ()) -> "Segmenter":
        """A copy that knows these classes as well; see `signseg.inference.add_class.add_classes`. Warns about one too near another."""
        from signseg.inference.add_class import add_classes

        return add_classes(self, names, [Path(file) for file in vectors], lambda text: warnings.warn(text, stacklevel=4))

    def remove_class(self, name: str) -> "Segmenter":
        """A copy without the class; see `signseg.inference.add_class.remove_class`."""
        from signseg.inference.add_class import remove_class

        return remove_class(self, name)

    def rename_class(self, old: str, new: str) -> "Segmenter":
        """A copy that calls the class by another name; see `signseg.inference.add_class.rename_class`."""
        from signseg.inference.add_class import rename_class

        return rename_class(self, old, new)

    def save(self, out: Path | str) -> Path:
        """Write a run folder; see `signseg.inference.save.save`."""
        from signseg.inference.save import save

        return save(self, Path(out), command="signseg.Segmenter.save")

    def source(self) -> Path:
        """The folder it was loaded from. Raises InputError for a segmenter that was put together by hand."""
        if self.run is None:
            raise InputError("This segmenter does not come from a run folder; use signseg.load(RUN).")
        return self.run

    def kept(self) -> Keepsake:
        """What the run kept for classes to come. Raises InputError as `load_keepsake`."""
        return self.keepsake or load_keepsake(RunFolder(self.source()))

    def trained(self) -> RunConfig:
        """The configuration of the training."""
        return load_config(RunFolder(self.source()))[0]


@dataclass(frozen=True)
class Maps:
    """The maps of a prediction while they are filled from the top."""

    classes: np.ndarray
    confidence: np.ndarray
    probabilities: np.ndarray | None
    novelty: np.ndarray | None

    @staticmethod
    def empty(size: Size, classes: int, options: Options) -> "Maps":
        """Raises InputError where `probabilities` are asked for and would be too large."""
        if options.probabilities and classes * size[0] * size[1] > MOST_PROBABILITIES:
            found = f"Probabilities of {classes} classes for {size[1]} x {size[0]} pixels"
            raise InputError(f"{found} are more than {MOST_PROBABILITIES} numbers; make the picture smaller or leave out --probabilities.")
        return Maps(
            np.empty(size, np.uint8),
            np.empty(size, np.float32),
            np.empty((classes, *size), np.float16) if options.probabilities else None,
            np.empty(size, np.float32) if options.novelty else None,
        )

    def add(self, top: int, scores: torch.Tensor, bias: torch.Tensor) -> None:
        """Fill the rows from `top` on from their scores (k, n, W)."""
        rows = slice(top, top + scores.shape[1])
        probability = (scores + bias).softmax(0)
        confidence, classes = probability.max(0)
        self.classes[rows], self.confidence[rows] = classes.numpy(), confidence.numpy()
        if self.probabilities is not None:
            self.probabilities[:, rows] = probability.numpy()
        if self.novelty is not None:
            self.novelty[rows] = novelty(scores).numpy()


def as_pixels(image: Image.Image | np.ndarray | torch.Tensor | Path | str) -> np.ndarray:
    """(H, W, 3) uint8 RGB; of a tensor, rounded to 8 bits.

    Raises:
        InputError: see `Segmenter.predict`.
    """
    if not isinstance(image, torch.Tensor):
        return as_rgb(image)
    flat = image[0] if image.ndim == 4 and len(image) == 1 else image
    within = flat.is_floating_point() and flat.numel() and 0 <= float(flat.min()) and float(flat.max()) <= 1
    if flat.ndim != 3 or len(flat) != 3 or not (flat.dtype == torch.uint8 or within):
        found = f"A tensor of shape {tuple(image.shape)} and type {image.dtype}"
        raise InputError(f"{found} was given; expected (3, H, W) RGB, uint8 or floats from 0 to 1.")
    return from_tensor(flat.detach().float().cpu() / 255 if flat.dtype == torch.uint8 else flat.detach().float().cpu())


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
    config, record = load_config(folder)
    return Segmenter(network, split, palette, config.image_size, run=folder.path, changes=tuple(record.get("changes", ())))


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
    prediction: Prediction, pixels: np.ndarray, segmenter: Segmenter, out: Path, stem: str, origin: dict[str, Any]
) -> dict[str, float]:
    """Write `stem`.png (index mask with palette), `stem`_overlay.png, the maps there are and, last, `stem`.json: the picture is done.

    Args:
        pixels: (H, W, 3) uint8 RGB, the picture.
        origin: what the JSON says about where the prediction comes from.
    Returns:
        Share of pixels by class name, largest first.
    """
    mask = index_mask(segmenter.split.raw_labels(prediction.classes), segmenter.palette)
    write_atomically(out / f"{stem}.png", lambda handle: mask.save(handle, format="PNG"))
    counts = np.bincount(prediction.classes.ravel(), minlength=len(segmenter.split.names))
    sums = np.bincount(prediction.classes.ravel(), prediction.confidence.ravel(), minlength=len(counts))
    present = [int(position) for position in np.argsort(-counts, kind="stable") if counts[position]]
    entries = [
        {
            "name": segmenter.split.names[position],
            "id": segmenter.split.raw_ids[segmenter.split.names[position]],
            "unseen": bool(segmenter.split.is_unseen[position]),
            "share": counts[position] / prediction.classes.size,
            "mean_confidence": float(sums[position] / counts[position]),
        }
        for position in present
    ]
    picture = overlay(pixels, prediction, segmenter, present)
    write_atomically(out / f"{stem}_overlay.png", lambda handle: picture.save(handle, format="PNG"))
    record: dict[str, Any] = origin | {"size": list(prediction.classes.shape), "classes": entries}
    if prediction.novelty is not None:
        grey = Image.fromarray(as_grey(prediction.novelty))
        write_atomically(out / f"{stem}_novelty.png", lambda handle: grey.save(handle, format="PNG"))
        record["mean_novelty"] = float(prediction.novelty.mean())
    if prediction.probabilities is not None:
        arrays = {"probabilities": prediction.probabilities, "names": np.array(segmenter.split.names)}
        write_atomically(out / f"{stem}_probabilities.npz", lambda handle: np.savez_compressed(handle, allow_pickle=False, **arrays))
    write_json(out / f"{stem}.json", record)
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
    """The picture under half-transparent class colours at a readable size, with a legend to its right; * marks unseen classes."""
    names = segmenter.split.names
    colours = np.array([segmenter.palette[segmenter.split.raw_ids[name]] for name in names], dtype=np.uint8)
    painted = Image.fromarray(colours[prediction.classes])
    mixed = Image.blend(Image.fromarray(np.ascontiguousarray(image)), painted, opacity)
    longest = max(image.shape[:2])
    factor = max(1, SMALLEST_OVERLAY // longest) * min(1.0, LARGEST_OVERLAY / longest)
    picture = mixed.resize((max(1, round(mixed.width * factor)), max(1, round(mixed.height * factor))), Image.Resampling.NEAREST)
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
