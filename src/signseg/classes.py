"""The only file that maps label ids. Raw ids live in mask files, training ids in tensors.

Training ids put seen classes first (0 .. Ks-1) and unseen ones after them, as SPNet's and SIGN's releases do.
Two values above every class id mean "no label here", and they differ on purpose:
"""

from dataclasses import dataclass

import numpy as np

from signseg.errors import InputError

IGNORE = 255  # void border or padding: never learned, never scored, never pseudo-labelled
UNANNOTATED = 254  # a region nobody labelled (unseen class, background, gap): self-training may label it
MAX_CLASSES = 250
LARGEST_ID = IGNORE  # of 8-bit masks


@dataclass(frozen=True)
class ClassSplit:
    """Which classes have labels, which have only a name, and how raw mask ids map to training ids.

    Args:
        raw_ids: class name -> id in the mask files, for every class of the data set.
        seen: classes whose labels are used in training.
        unseen: classes that are known by name only.
        ignore: raw id of void pixels (borders); other raw ids without a class are 'unannotated'.
    Classes in `raw_ids` that are neither seen nor unseen are left out: not annotated in training, not scored in tests.
    """

    raw_ids: dict[str, int]
    seen: tuple[str, ...]
    unseen: tuple[str, ...]
    ignore: int = IGNORE

    def __post_init__(self) -> None:
        if not self.seen:
            raise InputError("No seen class is left; at least one class must have labels: shorten 'unseen' or 'exclude'.")
        if len(self.raw_ids) > MAX_CLASSES:
            raise InputError(f"{len(self.raw_ids)} classes were given; at most {MAX_CLASSES} fit in 8-bit label maps.")
        self._check_ids()
        for name in self.names:
            if name not in self.raw_ids:
                raise InputError(f"Class '{name}' is listed as seen or unseen but has no id; the data set has: {', '.join(self.raw_ids)}.")
        if both := set(self.seen) & set(self.unseen):
            raise InputError(f"Class '{sorted(both)[0]}' is both seen and unseen; list it once.")

    def _check_ids(self) -> None:
        owner: dict[int, str] = {}
        for name, raw in self.raw_ids.items():
            if not 0 <= raw <= LARGEST_ID:
                raise InputError(f"Class '{name}' has the id {raw}; ids in 8-bit masks go from 0 to {LARGEST_ID}: give it another.")
            if raw == self.ignore:
                raise InputError(f"Class '{name}' has the id {raw}, which means 'ignore'; give one of the two another id.")
            if raw in owner:
                raise InputError(f"Classes '{owner[raw]}' and '{name}' both have the id {raw}; give each class its own.")
            owner[raw] = name
        if not 0 <= self.ignore <= LARGEST_ID:
            raise InputError(f"The id of ignored pixels is {self.ignore}; ids in 8-bit masks go from 0 to {LARGEST_ID}: give another.")

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in the order of training ids."""
        return self.seen + self.unseen

    @property
    def is_unseen(self) -> np.ndarray:
        """(k,) bool, True at unseen training ids."""
        return np.arange(len(self.names)) >= len(self.seen)

    def training_labels(self, raw: np.ndarray) -> np.ndarray:
        """Raw mask -> training ids for *training*. Everything that is not a seen class loses its label here.

        Args:
            raw: (H, W) uint8 raw ids.
        Returns:
            (H, W) uint8 with 0..Ks-1, UNANNOTATED or IGNORE; never an unseen id.
        """
        return self._table(self.seen, other=UNANNOTATED)[raw]

    def evaluation_labels(self, raw: np.ndarray) -> np.ndarray:
        """Raw mask -> training ids for *scoring*: seen and unseen ids, everything else IGNORE. (H, W) uint8."""
        return self._table(self.names, other=IGNORE)[raw]

    def raw_labels(self, training: np.ndarray) -> np.ndarray:
        """Training ids -> raw ids, for writing prediction masks. (H, W) uint8."""
        table = np.full(LARGEST_ID + 1, self.ignore, dtype=np.uint8)
        for position, name in enumerate(self.names):
            table[position] = self.raw_ids[name]
        return table[training]

    def _table(self, kept: tuple[str, ...], other: int) -> np.ndarray:
        table = np.full(LARGEST_ID + 1, other, dtype=np.uint8)
        table[self.ignore] = IGNORE
        for position, name in enumerate(kept):
            table[self.raw_ids[name]] = position
        return table

    def without_unseen(self) -> "ClassSplit":
        """The upper bound's split: every class declared seen."""
        return ClassSplit(self.raw_ids, self.names, (), self.ignore)
