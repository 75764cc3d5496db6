"""A user's folder for tests: generated pictures, masks, word vectors and the dataset.yaml that describes them. It checks nothing."""

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

CLASSES = ["sky", "grass", "road", "lake", "barn"]
COLOURS = [(90, 150, 230), (60, 160, 60), (120, 120, 120), (40, 60, 180), (180, 40, 40)]
WORDS = ["sky", "grass", "road", "lake", "barn", "meadow", "wet_snow"]
VOID = 255
COUNTS = {"train": 6, "val": 3, "test": 3}
SIZE = (40, 56)


def description(**changes: Any) -> dict[str, Any]:
    """The keys of a dataset.yaml that fits `write_folder`; a change to None leaves a key out."""
    keys: dict[str, Any] = {
        "name": "farm",
        "classes": CLASSES,
        "unseen": ["barn"],
        "validation_unseen": ["lake"],
        "ignore": VOID,
        "images": "images/{split}/*.png",
        "masks": "masks/{split}/*.png",
        "splits": {split: split for split in COUNTS},
        "vectors": ["words.vec"],
    }
    return {key: value for key, value in (keys | changes).items() if value is not None}


def write_description(folder: Path, **changes: Any) -> Path:
    """Write dataset.yaml alone."""
    path = folder / "dataset.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(description(**changes), sort_keys=False))
    return path


def draw(number: int, size: tuple[int, int] = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """A picture (H, W, 3) of blocks in the colours of their classes, and its mask (H, W) with a rim of void and a gap (id 77)."""
    random = np.random.default_rng(number)
    blocks = random.permutation(np.arange(20) % len(CLASSES)).reshape(4, 5).astype(np.uint8)
    rows, columns = (np.arange(side) * count // side for side, count in zip(size, blocks.shape, strict=True))
    mask = blocks[rows][:, columns]
    image = np.array(COLOURS, dtype=np.int64)[mask] + random.integers(-20, 21, (*size, 3))
    mask[:2], mask[2:6, :6] = VOID, 77
    return image.clip(0, 255).astype(np.uint8), mask


def save_mask(mask: np.ndarray, path: Path) -> None:
    """A palette PNG in the colours of the classes."""
    image = Image.fromarray(mask)
    image.putpalette([value for colour in COLOURS for value in colour] + [0] * 3 * (256 - len(COLOURS)))
    image.save(path)


def write_words(path: Path, words: list[str], *, dimensions: int = 12, seed: int = 0) -> dict[str, np.ndarray]:
    """word2vec text."""
    vectors = np.random.default_rng(seed).normal(size=(len(words), dimensions)).round(4)
    lines = [f"{word} {' '.join(f'{value:.4f}' for value in vector)}" for word, vector in zip(words, vectors, strict=True)]
    path.write_text("\n".join([f"{len(words)} {dimensions}", *lines]) + "\n")
    return dict(zip(words, vectors.astype(np.float32), strict=True))


def write_folder(folder: Path, sizes: tuple[tuple[int, int], ...] = (SIZE,), **changes: Any) -> Path:
    """The whole folder; its dataset.yaml. Pictures take `sizes` in turn."""
    for split, count in COUNTS.items():
        for kind in ("images", "masks"):
            (folder / kind / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image, mask = draw(100 * list(COUNTS).index(split) + number, sizes[number % len(sizes)])
            Image.fromarray(image).save(folder / "images" / split / f"{number}.png")
            save_mask(mask, folder / "masks" / split / f"{number}.png")
    write_words(folder / "words.vec", WORDS)
    return write_description(folder, **changes)
