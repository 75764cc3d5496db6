"""What every data set offers, built-in or the user's own. A data set knows files and names; it never trains or scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from signseg.classes import ClassSplit
from signseg.data.word_vectors import WordVectors
from signseg.errors import InputError


@dataclass(frozen=True)
class Picture:
    """One image with its mask in raw ids.

    image: (H, W, 3) uint8 RGB; mask: (H, W) uint8 raw ids.
    """

    name: str
    image: np.ndarray
    mask: np.ndarray


@runtime_checkable
class HasSizes(Protocol):
    """Pictures that lie in files and may have any sizes, which can be told without reading them whole."""

    def sizes(self) -> list[tuple[int, int]]:
        """(height, width) of every picture."""
        ...


class Dataset(Protocol):
    """Splits of pictures, class names with raw ids, who is unseen, and word vectors for the names.

    Attributes:
        name: as the user typed it ("world", "camvid").
        fingerprint: short hash of everything that fixes the pictures and vectors (version, seed, files).
        raw_ids: class name -> id in the masks.
        unseen / validation_unseen / excluded: class names; validation_unseen are seen except in tuning runs.
        ignore: raw id of void pixels. Raw ids that no class has mean "not annotated".
        background: how background pixels are treated ("ignored" or "class"); printed on the protocol card.
        palette: raw id -> (r, g, b), used for masks and overlays.
    """

    name: str
    raw_ids: dict[str, int]
    unseen: tuple[str, ...]
    validation_unseen: tuple[str, ...]
    excluded: tuple[str, ...]
    ignore: int
    background: str
    palette: dict[int, tuple[int, int, int]]

    @property
    def fingerprint(self) -> str: ...

    def split(self, name: str, *, scale: float = 1.0) -> Sequence[Picture]:
        """Pictures of "train", "val" or "test"; `scale` is the image side over that of training (world only)."""
        ...

    def vectors(self) -> WordVectors:
        """Vectors of every class name, and of further names where the source has them."""
        ...


def class_split(data: Dataset, *, tuning: bool = False, upper_bound: bool = False, unseen_names: bool = True) -> ClassSplit:
    """Who is seen and who is unseen in a run on `data`.

    Args:
        tuning: validation_unseen play the unseen role and the real unseen classes are left out entirely.
        upper_bound: every class is declared seen (the run uses unseen labels and says so).
        unseen_names: False leaves the classes that play the unseen role out as well; they may be added by name later.
    Raises:
        InputError: a tuning run on data without validation_unseen.
    """
    if tuning and not data.validation_unseen:
        raise InputError(f"'{data.name}' has no validation_unseen classes; list some in its dataset.yaml before --tuning.")
    left_out = set(data.excluded) | (set(data.unseen) if tuning else set())
    unseen = data.validation_unseen if tuning else data.unseen
    unseen = tuple(name for name in unseen if name not in data.excluded)
    seen = tuple(name for name in data.raw_ids if name not in left_out and name not in unseen)
    split = ClassSplit(data.raw_ids, seen, unseen, data.ignore)
    if not unseen_names:
        split = ClassSplit(data.raw_ids, seen, (), data.ignore)
    return split.without_unseen() if upper_bound else split
