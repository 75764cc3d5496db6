"""The user's own folder as a data set: a dataset.yaml beside images and masks, read one picture at a time. Whether the masks make sense is
not judged here: raw ids that no class has mean "not annotated".
"""

import colorsys
import glob
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

from signseg.data.dataset import Picture
from signseg.data.dataset_file import PLACE, DatasetFile, SplitName, read_dataset_file
from signseg.data.lookup import look_up
from signseg.data.picture_files import Colours, as_rgb, mask_colours, read_mask, size_of
from signseg.data.vector_files import source
from signseg.data.word_vectors import WordVectors
from signseg.errors import InputError, did_you_mean

BACKGROUND = {"ignore": "ignored", "class": "class"}  # dataset.yaml -> protocol card


@dataclass(frozen=True)
class Pair:
    """An image, its mask, and the stem they share."""

    name: str
    image: Path
    mask: Path


class FilePictures(Sequence[Picture]):
    """Pictures that are read when they are asked for, so that a split takes no memory."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = tuple(pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    @overload
    def __getitem__(self, position: int) -> Picture: ...

    @overload
    def __getitem__(self, position: slice) -> "FilePictures": ...

    def __getitem__(self, position: int | slice) -> "Picture | FilePictures":
        """Read one pair, or choose some without reading them.

        Raises:
            InputError: a file that cannot be used, named; or an image and a mask of different sizes.
        """
        if isinstance(position, slice):
            return FilePictures(self.pairs[position])
        pair = self.pairs[position]
        image, mask = as_rgb(pair.image), read_mask(pair.mask)
        if image.shape[:2] != mask.shape:
            found = f"{image.shape[1]} x {image.shape[0]} pixels and its mask {mask.shape[1]} x {mask.shape[0]}"
            raise InputError(f"{pair.image} has {found} (both upright); make them the same size.")
        return Picture(pair.name, image, mask)

    def sizes(self) -> list[tuple[int, int]]:
        """(height, width) of every image, from the headers alone."""
        return [size_of(pair.image) for pair in self.pairs]


class Folder:
    """The data set that a dataset.yaml describes. Opening it lists the files of every split and opens at most one mask, for its colours.

    Args:
        path: of the dataset.yaml.
    Raises:
        InputError: the description is wrong, a pattern matches nothing, or an image has no mask.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.described = path, read_dataset_file(path)
        described = self.described
        self.name = described.name
        self.raw_ids = described.raw_ids
        self.excluded = described.excluded
        self.unseen = tuple(name for name in described.unseen if name not in self.excluded)
        self.validation_unseen = tuple(name for name in described.validation_unseen if name not in self.excluded)
        self.ignore = described.ignore
        self.background = BACKGROUND[described.background]
        self._pairs = {split: find_pairs(path, described, split) for split in described.splits}
        self._vector_files = tuple(path.parent / name for name in described.vectors)
        for file in self._vector_files:
            if not file.is_file():
                raise InputError(f"{file} does not exist; correct 'vectors' in {path}.")
        self.palette = palette(described, self._pairs["train"][0].mask)

    @property
    def fingerprint(self) -> str:
        """Hash of the description, of the names and sizes of all pictures and masks, and of what the vector files hold."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        files = [file for pairs in self._pairs.values() for pair in pairs for file in (pair.image, pair.mask)]
        listed = sorted((Path(os.path.relpath(file, self.path.parent)).as_posix(), file.stat().st_size) for file in files)
        parts = [hashlib.sha256(self.path.read_bytes()).hexdigest(), listed, [source(file)["sha256"] for file in self._vector_files]]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]

    def split(self, name: str, *, scale: float = 1.0) -> FilePictures:
        """Pictures of "train", "val" or "test", read when they are asked for.

        Raises:
            InputError: no such split, or another scale than 1.
        """
        pairs = {str(split): found for split, found in self._pairs.items()}
        if name not in pairs:
            raise InputError(f"{self.path} has no split '{name}'; {did_you_mean(name, tuple(pairs))}")
        if scale != 1:
            raise InputError(f"'{self.name}' has its pictures at one size only; --scale {scale:g} is for built-in worlds: leave it out.")
        return FilePictures(pairs[name])

    def vectors(self) -> WordVectors:
        """Vectors of every class that is not excluded, and of `extra_names`; rows of length 1.

        Raises:
            InputError: a class without a vector, or a file that cannot be read.
        """
        return self._vectors

    @cached_property
    def _vectors(self) -> WordVectors:
        names = self.described.names
        return look_up(self._vector_files, {name: names.get(name, (name,)) for name in self.raw_ids if name not in self.excluded})

    @property
    def extra_names(self) -> tuple[str, ...]:
        """Words of the vector files that are no class; none where a file is too large to be kept whole."""
        return tuple(name for name in self.vectors().names if name not in self.raw_ids)


def find_pairs(path: Path, described: DatasetFile, split: SplitName) -> tuple[Pair, ...]:
    """Images of a split with the masks of the same stem, sorted by stem. Masks without an image are left alone.

    Raises:
        InputError: a pattern matches nothing, two files have one stem, or an image has no mask.
    """
    images, masks = (_by_stem(path, getattr(described, key), described.splits[split], key, split) for key in ("images", "masks"))
    if missing := [stem for stem in images if stem not in masks]:
        count = "1 image has" if len(missing) == 1 else f"{len(missing)} images have"
        found = f"{count} no mask of the same stem, the first is {images[missing[0]].name}"
        raise InputError(f"{path}: in the split '{split}' {found}; add a mask or move the image away.")
    return tuple(Pair(stem, images[stem], masks[stem]) for stem in sorted(images))


def _by_stem(path: Path, pattern: str, place: str, key: str, split: str) -> dict[str, Path]:
    filled = pattern.replace(PLACE, place)
    found: dict[str, Path] = {}
    for name in sorted(glob.glob(filled, root_dir=path.parent, recursive=True)):
        file = path.parent / name
        if not file.is_file():
            continue
        if file.stem in found:
            raise InputError(f"{path}: {found[file.stem].name} and {file.name} in the split '{split}' have one stem; rename one of them.")
        found[file.stem] = file
    if not found:
        raise InputError(f"{path}: no file matches '{filled}' ('{key}', split '{split}'); correct the pattern or the folder of the split.")
    return found


def palette(described: DatasetFile, mask: Path) -> Colours:
    """Raw id -> colour: those of the mask's own palette if they tell the classes apart, made ones otherwise."""
    stored = mask_colours(mask)
    own = {raw: stored[raw] for raw in described.classes if raw in stored}
    if len(set(own.values())) == len(described.classes):
        return own | {described.ignore: stored.get(described.ignore, (0, 0, 0))}
    made = made_colours(len(described.classes))
    return dict(zip(described.classes, made, strict=True)) | {described.ignore: (0, 0, 0)}


def made_colours(count: int) -> list[tuple[int, int, int]]:
    """`count` different colours (250 at most): hues by the golden ratio, in five shades."""
    shades = ((0.75, 0.95), (0.9, 0.65), (0.45, 0.9), (0.95, 0.4), (0.35, 0.6))
    colours = []
    for number in range(count):
        saturation, value = shades[number % len(shades)]
        red, green, blue = colorsys.hsv_to_rgb((number * 0.6180339887) % 1, saturation, value)
        colours.append((round(255 * red), round(255 * green), round(255 * blue)))
    return colours
