"""Word vectors by name: the table behind M. Reading files of other formats is not here yet."""

from dataclasses import dataclass

import numpy as np

from signseg.errors import InputError, did_you_mean


@dataclass(frozen=True)
class WordVectors:
    """A table of unit word vectors.

    names: one name a row; matrix: (names, d) float32, rows of unit length;
    sources: what the rows were made from, for the protocol card: [{"file": ..., "sha256": ...}];
    widths: how many columns come from each source, where that is known.
    """

    names: tuple[str, ...]
    matrix: np.ndarray
    sources: tuple[dict[str, str], ...]
    widths: tuple[int, ...] = ()

    def of_source(self, word: str) -> "WordVectors":
        """The columns of the one source whose file name has `word` in it, scaled to unit length again; all of them for "all".

        Raises:
            InputError: no such source, or several.
        """
        if word == "all":
            return self
        found = [position for position, source in enumerate(self.sources) if word.lower() in source["file"].lower()]
        if len(found) != 1 or len(self.widths) != len(self.sources):
            files = ", ".join(source["file"] for source in self.sources)
            raise InputError(f"'{word}' names {len(found)} of the vector files {files}; set vectors to part of one name, or to 'all'.")
        first = sum(self.widths[: found[0]])
        columns = self.matrix[:, first : first + self.widths[found[0]]]
        return WordVectors(self.names, concatenate_and_normalise([columns]), (self.sources[found[0]],), (columns.shape[1],))

    def rows(self, names: tuple[str, ...]) -> np.ndarray:
        """(len(names), d) float32 vectors in the order of `names`.

        Raises:
            InputError: a name has no vector; the nearest spelling is offered.
        """
        position = {name: row for row, name in enumerate(self.names)}
        for name in names:
            if name not in position:
                raise InputError(f"No word vector for '{name}' in {self.sources[0]['file']}; {did_you_mean(name, self.names)}")
        return self.matrix[[position[name] for name in names]]


def concatenate_and_normalise(parts: list[np.ndarray]) -> np.ndarray:
    """[fastText | word2vec] joined along d, then every row divided by its L2 norm (methods.md 3: option `fastnvec`).

    Args:
        parts: arrays (n, d_i), all with the same n.
    Returns:
        (n, sum d_i) float32, rows of unit length.
    """
    joined = np.concatenate([np.asarray(part, dtype=np.float64) for part in parts], axis=1)
    norms = np.linalg.norm(joined, axis=1, keepdims=True)
    if not np.isfinite(joined).all() or (norms == 0).any():
        raise InputError("A word vector is zero or not finite; every row must have a direction: remove or replace that row.")
    return (joined / norms).astype(np.float32)
