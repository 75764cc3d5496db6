"""The built-in benchmark as a data set: splits, who is unseen, partial annotation, word vectors, and a cache of all of it.
It neither draws (`scene.py`) nor writes (`sentences.py`), and knows nothing of training.

`World()` is void-only: every segment of a class is annotated, and about a sixth of the pixels show shapes of no class.
`World(partial=0.3)` is the same pictures with three in ten segments of seen classes left unannotated in the training masks, as
real annotators leave them. The seed changes the training pictures and the vectors; val and test are the same for every seed.
The vectors come from sentences that state attributes outright, which is easier than natural text (see `sentences.py`).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from signseg.classes import IGNORE
from signseg.data.dataset import Picture
from signseg.data.word_vectors import WordVectors
from signseg.data.world.cache import Arrays, default_cache, remembered
from signseg.data.world.catalogue import EXTRA, NOTHING, PARTITIONS, RAW_IDS, UNSEEN, VALIDATION_UNSEEN, WORLD_VERSION, display_palette
from signseg.data.world.scene import MAX_SEGMENTS, SIDE, annotation_luck, draw_scene
from signseg.data.world.sentences import DIMENSIONS, NAMES, TrainedVectors, as_word_vectors, train_vectors, write_sentences
from signseg.errors import InputError, did_you_mean

STANDARD_PARTIAL = 0.30  # of `world-partial`; 0.15 and 0.45 are studied beside it
_ROLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # unseen and validation-unseen classes
    **{"default": (UNSEEN, VALIDATION_UNSEEN)},
    **{name: (unseen, ()) for name, unseen in PARTITIONS.items()},
}
_SPLITS = ("train", "val", "test")
_SMALLEST_SCALE, _LARGEST_SCALE = 0.5, 3.0


class World:
    """The data set `world`, or `world-partial` where a share of the segments of seen classes is not annotated.

    Args:
        seed: of the training pictures and of the word vectors.
        partial: chance that a segment of a seen class is left out of its training mask; a larger share contains a smaller one.
        partition: who is unseen, "default" or a key of `PARTITIONS`; pictures and vectors are the same.
        name: as the user typed it, if not the usual one.
        train_images, val_images, test_images: pictures in each split; fewer are the first ones of more.
        cache: folder for what was drawn; $SIGNSEG_CACHE or ~/.cache/signseg by default.
    Raises:
        InputError: a negative seed, an impossible share, an unknown partition, or an empty split.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        partial: float = 0.0,
        partition: str = "default",
        name: str | None = None,
        train_images: int = 600,
        val_images: int = 100,
        test_images: int = 200,
        cache: Path | None = None,
    ) -> None:
        if seed < 0:
            raise InputError(f"The world's seed is {seed}; give 0 or a positive whole number.")
        if not 0 <= partial < 1:
            raise InputError(f"A share of {partial} of the segments cannot be left unannotated; give a number from 0 to below 1.")
        if partition not in _ROLES:
            raise InputError(f"The world has no partition '{partition}'; {did_you_mean(partition, tuple(_ROLES))}")
        counts = {"train": train_images, "val": val_images, "test": test_images}
        for split, count in counts.items():
            if count < 1:
                raise InputError(f"The {split} split would have {count} images; give at least 1.")
        self.seed, self.partial, self.partition = seed, partial, partition
        self.name = name or _name(partial) + ("" if partition == "default" else f"-{partition}")
        self.fingerprint = _short_hash(WORLD_VERSION, seed, float(partial), counts, *([] if partition == "default" else [partition]))
        self.raw_ids = dict(RAW_IDS)
        self.unseen, self.validation_unseen = _ROLES[partition]
        self.excluded: tuple[str, ...] = ()
        self.extra_names: tuple[str, ...] = tuple(kind.name for kind in EXTRA)  # names with a vector and without a class
        self.ignore = IGNORE
        self.background = "ignored"
        self.palette = display_palette()
        self._counts = counts
        self._folder = (cache or default_cache()) / f"world-v{WORLD_VERSION}"

    def split(self, name: str, *, scale: float = 1.0) -> Sequence[Picture]:
        """Pictures of "train", "val" or "test", in memory. Training masks lack the segments that nobody annotated.

        Args:
            scale: image side over SIDE; things keep their size in pixels, the layout grows.
        Raises:
            InputError: another name, or a scale at which nothing sensible can be drawn.
        """
        return self._pictures(name, scale, partial=self.partial if name == "train" else 0.0)

    def true_split(self, name: str, *, scale: float = 1.0) -> Sequence[Picture]:
        """The same pictures with complete masks. For diagnostics only (how right are pseudo-labels?); never train on these."""
        return self._pictures(name, scale, partial=0.0)

    def vectors(self) -> WordVectors:
        """Vectors of all classes and of `extra_names`, trained on this seed's sentences; rows of length 1, d = 128."""
        path = self._folder / f"vectors-{_short_hash('vectors', WORLD_VERSION, self.seed)}.npz"
        table = ((len(NAMES), DIMENSIONS), np.float32)
        arrays = remembered(path, self._train_vectors, {"fasttext": table, "word2vec": table})
        return as_word_vectors(TrainedVectors(arrays["fasttext"], arrays["word2vec"]), self.seed)

    def _train_vectors(self) -> Arrays:
        trained = train_vectors(write_sentences(self.seed), self.seed)
        return {"fasttext": trained.fasttext, "word2vec": trained.word2vec}

    def _pictures(self, name: str, scale: float, *, partial: float) -> Sequence[Picture]:
        if name not in _SPLITS:
            raise InputError(f"The world has no split '{name}'; {did_you_mean(name, _SPLITS)}")
        if not _SMALLEST_SCALE <= scale <= _LARGEST_SCALE:
            raise InputError(f"The world cannot be drawn at scale {scale}; give a number from {_SMALLEST_SCALE} to {_LARGEST_SCALE}.")
        arrays = self._drawn(name, round(SIDE * scale))
        pictures = []
        for index, (image, segments, classes) in enumerate(zip(arrays["images"], arrays["segments"], arrays["classes"], strict=True)):
            annotated = _annotated(classes, annotation_luck(self._key(name, index)), partial, self.unseen)
            pictures.append(Picture(f"{name}-{index:04d}", image, annotated[segments]))
        return pictures

    def _drawn(self, name: str, size: int) -> Arrays:
        """Images, segment maps and the class of each segment, from the cache or drawn now."""
        count = self._counts[name]
        path = self._folder / f"{name}-{_short_hash(self._key(name, 0), count, size)}.npz"
        images, maps, classes = (count, size, size, 3), (count, size, size), (count, MAX_SEGMENTS)
        expected = {"images": (images, np.uint8), "segments": (maps, np.uint8), "classes": (classes, np.uint8)}
        return remembered(path, lambda: self._draw(name, size), expected)

    def _draw(self, name: str, size: int) -> Arrays:
        scenes = [draw_scene(self._key(name, index), size) for index in range(self._counts[name])]
        return {
            "images": np.stack([scene.image for scene in scenes]),
            "segments": np.stack([scene.segments for scene in scenes]),
            "classes": np.stack([scene.classes for scene in scenes]),
        }

    def _key(self, name: str, index: int) -> tuple[int, ...]:
        """Names one picture's random streams. Val and test do not depend on the seed."""
        return (WORLD_VERSION, _SPLITS.index(name), self.seed if name == "train" else 0, index)


def _annotated(classes: np.ndarray, luck: np.ndarray, partial: float, names: tuple[str, ...]) -> np.ndarray:
    """The class of each segment as the annotators of a partial world wrote it down. Unseen classes (`names`) keep theirs: `ClassSplit`
    removes those from training, and they must not look rarer than they are."""
    unseen = [RAW_IDS[name] for name in names]
    dropped = (luck < partial) & ~np.isin(classes, unseen)
    return np.where(dropped, NOTHING, classes).astype(np.uint8)


def _name(partial: float) -> str:
    if partial == 0:
        return "world"
    return "world-partial" if partial == STANDARD_PARTIAL else f"world-partial-{100 * partial:g}"


def _short_hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
