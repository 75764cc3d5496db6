"""Picture and mask files as arrays: every reason why a file is no use becomes a sentence that names it. What is in them is not judged."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps

from signseg.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MAX_PIXELS = 50_000_000  # larger pictures are refused rather than decoded (decompression bombs)
MIN_SIDE = 8
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
ORIENTATION = 0x0112

Colours = dict[int, tuple[int, int, int]]
T = TypeVar("T")


def as_rgb(image: Image.Image | np.ndarray | Path | str) -> np.ndarray:
    """(H, W, 3) uint8 RGB, turned upright by its EXIF orientation.

    Raises:
        InputError: not a readable picture, or one that is too small or too large.
    """
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f"An array of shape {image.shape} and type {image.dtype} was given; expected (H, W, 3) uint8 RGB.")
        return image
    return _decoded(image, lambda name, opened: np.array(_eight_bit(ImageOps.exif_transpose(opened)).convert("RGB")))


def read_mask(path: Path) -> np.ndarray:
    """(H, W) uint8 raw ids of an 8-bit palette or grey picture, turned upright like `as_rgb`.

    Raises:
        InputError: colours, 16 bits, a lossy format, or not a readable picture.
    """
    return _decoded(path, _ids)


def mask_colours(path: Path) -> Colours:
    """Raw id -> (r, g, b) of a palette picture; empty for a grey one. Raises as `read_mask`."""

    def colours(name: str, opened: Image.Image) -> Colours:
        table = (opened.getpalette("RGB") if opened.mode == "P" else None) or []
        return {number: (table[3 * number], table[3 * number + 1], table[3 * number + 2]) for number in range(len(table) // 3)}

    return _decoded(path, colours)


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) of a picture as `as_rgb` returns it, from its header alone. Raises as `as_rgb`."""

    def size(name: str, opened: Image.Image) -> tuple[int, int]:
        width, height = opened.size
        return (width, height) if opened.getexif().get(ORIENTATION) in SIDEWAYS else (height, width)

    return _decoded(path, size)


def _decoded(image: Image.Image | Path | str, read: Callable[[str, Image.Image], T]) -> T:
    name = str(image) if isinstance(image, str | Path) else "the picture"
    try:
        with _quiet(), _opened(image) as opened:
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise InputError(f"{name} has {width} x {height} pixels; at most {MAX_PIXELS} are read: make it smaller.")
            if min(width, height) < MIN_SIDE:
                raise InputError(f"{name} has {width} x {height} pixels; the smaller side must be at least {MIN_SIDE}.")
            return read(name, opened)
    except FileNotFoundError as error:
        raise InputError(f"{name} does not exist; give an image, a folder or a glob.") from error
    except InputError:
        raise
    except Exception as error:  # decoders of damaged files raise whatever the bytes happen to say
        raise InputError(f"{name} cannot be read as a picture ({type(error).__name__}); replace it or leave it out.") from error


def _ids(name: str, opened: Image.Image) -> np.ndarray:
    if opened.format == "JPEG":
        raise InputError(f"{name} is a JPEG, which changes the ids in a mask; save masks as 8-bit PNG.")
    if opened.mode.startswith("I"):
        raise InputError(f"{name} has 16 bits a pixel; expected class ids from 0 to 255 in an 8-bit PNG: convert the mask.")
    if opened.mode not in ("P", "L"):
        raise InputError(f"{name} has pixels of type {opened.mode}; expected one 8-bit class id each (palette or grey): convert the mask.")
    return np.array(ImageOps.exif_transpose(opened))


@contextmanager
def _quiet() -> Iterator[None]:
    """What Pillow finds odd about a picture is no reason to warn or to stop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _opened(image: Image.Image | Path | str) -> AbstractContextManager[Image.Image]:
    """A file is closed afterwards, the caller's own picture is not."""
    return Image.open(image) if isinstance(image, str | Path) else nullcontext(image)


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits; Pillow's own conversion would clip it."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.float64) / 257.0).round().clip(0, 255).astype(np.uint8))
    return image
