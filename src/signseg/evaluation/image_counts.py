"""Confusion matrices image by image, for resampling the test images. Only cells that are not zero are kept: about 60 of an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from signseg.errors import InputError
from signseg.files import write_atomically


@dataclass(frozen=True)
class ImageCounts:
    """Pixels by image, truth and prediction.

    image, truth, prediction, pixels: (n,) int32, one entry for each cell that is not zero.
    names: classes in the order of training ids, the first `seen` of them seen; images: how many, empty ones included.
    """

    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    pixels: np.ndarray
    names: tuple[str, ...]
    seen: int
    images: int

    @classmethod
    def of(cls, entries: Sequence[np.ndarray], names: tuple[str, ...], seen: int) -> "ImageCounts":
        """From `sparse` of one matrix for each image."""
        together = np.concatenate([*entries, np.zeros((0, 3), np.int32)])
        image = np.repeat(np.arange(len(entries), dtype=np.int32), [len(found) for found in entries])
        truth, prediction, pixels = together.T
        return cls(image, truth, prediction, pixels, names, seen, len(entries))

    def matrix(self) -> np.ndarray:
        """(k, k) int64 over all images."""
        total = np.zeros((len(self.names), len(self.names)), dtype=np.int64)
        np.add.at(total, (self.truth, self.prediction), self.pixels)
        return total

    def hits(self) -> np.ndarray:
        """(images, k) float64: pixels of a class that are predicted as it."""
        right = self.truth == self.prediction
        return self._by_class(self.truth[right], right)

    def unions(self) -> np.ndarray:
        """(images, k) float64: pixels that are of a class, or predicted as it, or both."""
        everywhere = np.ones(len(self.pixels), dtype=bool)
        return self._by_class(self.truth, everywhere) + self._by_class(self.prediction, everywhere) - self.hits()

    def _by_class(self, classes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        found = np.zeros((self.images, len(self.names)))
        np.add.at(found, (self.image[chosen], classes), self.pixels[chosen])
        return found


def sparse(matrix: Tensor) -> np.ndarray:
    """(k, k) counts -> (n, 3) int32 truth, prediction and pixels of the cells that are not zero."""
    dense = matrix.numpy()
    truth, prediction = dense.nonzero()
    return np.stack([truth, prediction, dense[truth, prediction]], axis=1).astype(np.int32)


def write_image_counts(path: Path, counts: ImageCounts) -> None:
    """Write an .npz of a few kilobytes."""
    arrays = {name: getattr(counts, name) for name in ("image", "truth", "prediction", "pixels")}
    named = arrays | {"names": np.array(counts.names), "shape": np.array([counts.seen, counts.images])}
    write_atomically(path, lambda handle: np.savez_compressed(handle, allow_pickle=False, **named))


def read_image_counts(path: Path) -> ImageCounts:
    """Read what `write_image_counts` wrote.

    Raises:
        InputError: missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            seen, images = stored["shape"].tolist()
            image, truth, prediction, pixels = (stored[name] for name in ("image", "truth", "prediction", "pixels"))
            return ImageCounts(image, truth, prediction, pixels, tuple(stored["names"].tolist()), seen, images)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path} cannot be read ({type(error).__name__}); evaluate the run again.") from error
