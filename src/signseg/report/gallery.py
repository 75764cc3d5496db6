"""Pictures for the report as files: image, truth and what each run made of it (the format is in page.py). Nothing is predicted here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from signseg.files import write_atomically, write_json
from signseg.report.pictures import coloured


@dataclass(frozen=True)
class Shown:
    """One picture. image: (H, W, 3) uint8 RGB; truth and masks: (H, W) uint8 raw ids, a mask for each column by its name."""

    caption: str
    image: np.ndarray
    truth: np.ndarray
    masks: Mapping[str, np.ndarray]


def write_gallery(out: Path, shown: Sequence[Shown], columns: Mapping[str, str], palette: dict[int, tuple[int, int, int]]) -> None:
    """Write out/pictures.

    Args:
        columns: name (a file name without suffix) -> caption, in the order of the page.
        palette: raw id -> colour.
    """
    for number, picture in enumerate(shown):
        folder = out / "pictures" / str(number)
        _save(Image.fromarray(picture.image), folder / "image.png")
        for name, mask in {"truth": picture.truth, **picture.masks}.items():
            _save(coloured(mask, palette), folder / f"{name}.png")
    index = {
        "columns": [{"name": name, "caption": caption} for name, caption in columns.items()],
        "pictures": [{"folder": str(number), "caption": picture.caption} for number, picture in enumerate(shown)],
    }
    write_json(out / "pictures" / "index.json", index)


def _save(picture: Image.Image, path: Path) -> None:
    write_atomically(path, lambda handle: picture.save(handle, format="PNG"))
