"""Word vector files by what they hold: word2vec and fastText text, GloVe text, word2vec binary, .npz and .npy. Who wants which word, and
under which spelling, is decided in `lookup.py`.

A file is read once from front to back. Small files are kept whole; of larger ones only the wanted rows are ever in memory.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np

from signseg.errors import InputError
from signseg.files import reason

KEEP_ALL = 50_000  # rows; a file with more keeps the wanted ones only
NEAR = 5_000  # spellings kept for the error message when a word is missing
BLOCK = 1 << 20  # bytes read at a time
MOST_DIMENSIONS = 65_536
LONGEST_WORD = 4_096  # bytes

Row = tuple[str, Callable[[], np.ndarray]]  # a word, and its vector for those who ask: parsing text costs far more than reading it


@dataclass(frozen=True)
class FileVectors:
    """What was kept of one file.

    rows: word -> (d,) float32, in the file's order; whole: whether that is every word of the file;
    near: words that look like wanted ones, for error messages.
    """

    path: Path
    rows: dict[str, np.ndarray]
    whole: bool
    near: tuple[str, ...]


def read_vectors(path: Path, wanted: frozenset[str]) -> FileVectors:
    """All rows of a small file, the rows of `wanted` of a large one. Of a word that occurs twice the first row counts.

    Raises:
        InputError: missing, cut off, or not one of the formats (`READERS`).
    """
    rows: dict[str, np.ndarray] = {}
    near: list[str] = []
    beginnings = {word[:3].lower() for word in wanted}
    whole, count = True, 0
    try:
        for count, (word, vector) in enumerate(_reader(path)(path), start=1):
            if whole and count > KEEP_ALL:
                near = [other for other in rows if other[:3].lower() in beginnings][:NEAR]
                rows, whole = {other: row for other, row in rows.items() if other in wanted}, False
            if (whole or word in wanted) and word not in rows:
                rows[word] = np.array(vector(), dtype=np.float32)
            elif not whole and len(near) < NEAR and word[:3].lower() in beginnings:
                near.append(word)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason(error)}); check the path under 'vectors' in dataset.yaml.") from error
    if not count:
        raise InputError(f"{path} holds no word vector; give a file with at least one.")
    return FileVectors(path, rows, whole, tuple(rows) if whole else tuple(near))


def digest(path: Path) -> str:
    """SHA-256 of a file; remembered for as long as its size and time stay."""
    try:
        status = path.stat()
        return _digest(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({reason(error)}); check the path under 'vectors' in dataset.yaml.") from error


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, changed: int) -> str:
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _reader(path: Path) -> Callable[[Path], Iterator[Row]]:
    if path.suffix.lower() not in READERS:
        raise InputError(f"{path} ends in '{path.suffix}'; word vectors are read from {', '.join(READERS)}: rename or convert it.")
    return READERS[path.suffix.lower()]


def _text(path: Path) -> Iterator[Row]:
    """word2vec and fastText text (first line: rows and dimensions) or GloVe text (no such line)."""
    with open(path, "rb") as handle:
        first = handle.readline(BLOCK).removeprefix(b"\xef\xbb\xbf")
        header = _header(first)
        promised, dimensions = header or (None, len(first.split()) - 1)
        if not 1 <= dimensions <= MOST_DIMENSIONS:
            raise InputError(f"{path} does not begin like word vectors in text form; expected a word and its numbers on each line.")
        read = 0
        for line in _lines(handle, b"" if header else first):
            if not line.strip():
                continue
            read += 1
            word, numbers = _split(line.rstrip(), dimensions)
            if len(numbers) != dimensions:
                raise InputError(f"{path}: row {read} has {len(numbers)} numbers, expected {dimensions}; the file is damaged or cut off.")
            yield word.strip().decode("utf-8", errors="replace"), lambda numbers=numbers, read=read: _parsed(path, numbers, read)
    _check_count(path, read, promised)


def _lines(handle: IO[bytes], first: bytes) -> Iterator[bytes]:
    if first:
        yield first
    yield from handle


def _split(line: bytes, dimensions: int) -> tuple[bytes, list[bytes]]:
    """A word and the text of its numbers; a word may hold spaces, so the numbers are counted from the end."""
    parts = line.split()
    return b" ".join(parts[:-dimensions]), parts[1:] if len(parts) <= dimensions else parts[-dimensions:]


def _parsed(path: Path, numbers: list[bytes], read: int) -> np.ndarray:
    try:
        return np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise InputError(f"{path}: row {read} holds something that is no number; the file is damaged: replace it.") from error


def _header(line: bytes) -> tuple[int, int] | None:
    """(rows, dimensions) if the line is two whole numbers."""
    parts = line.split()
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 and all(part.isdigit() and len(part) < 12 for part in parts) else None


def _binary(path: Path) -> Iterator[Row]:
    """word2vec binary: the header as text, then each word, a space and d little-endian float32, with or without a line break between."""
    with open(path, "rb") as handle:
        header = _header(handle.readline(LONGEST_WORD))
        if header is None or not 1 <= header[1] <= MOST_DIMENSIONS:
            raise InputError(f"{path} does not begin with the numbers of rows and dimensions; expected word2vec's binary form.")
        promised, size = header[0], 4 * header[1]
        buffer, start = b"", 0
        for read in range(promised):
            end = buffer.find(b" ", start)
            if end < 0 or len(buffer) < end + 1 + size:
                buffer, start = buffer[start:] + handle.read(max(BLOCK, LONGEST_WORD + size)), 0
                end = buffer.find(b" ", start)
            if end < 0 or len(buffer) < end + 1 + size:
                return _check_count(path, read, promised)
            if end - start > LONGEST_WORD:
                raise InputError(f"{path}: row {read + 1} has a word of {end - start} bytes; the file is damaged: replace it.")
            vector = lambda buffer=buffer, at=end + 1: np.frombuffer(buffer, "<f4", size // 4, at)  # noqa: E731
            yield buffer[start:end].strip().decode("utf-8", errors="replace"), vector
            start = end + 1 + size


def _check_count(path: Path, read: int, promised: int | None) -> None:
    if promised is not None and read != promised:
        raise InputError(f"{path} promises {promised} rows and holds {read}; it was cut off or changed: get it again.")


def _npz(path: Path) -> Iterator[Row]:
    """Arrays `names` (n,) and `vectors` (n, d)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, vectors = stored["names"], stored["vectors"]
    except OSError:
        raise
    except Exception as error:  # a damaged archive raises whatever its bytes happen to say
        raise InputError(f"{path} cannot be read ({type(error).__name__}); expected arrays 'names' (n,) and 'vectors' (n, d).") from error
    yield from _table(path, [str(name) for name in names.ravel()], vectors)


def _npy(path: Path) -> Iterator[Row]:
    """An (n, d) array; its words, one a line, are in a file of the same name that ends in .names."""
    beside = names_file(path)
    try:
        names = beside.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} needs {beside.name} beside it, with one word a line for its rows; write that file.") from error
    try:
        vectors = np.load(path, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # see `_npz`
        raise InputError(f"{path} cannot be read ({type(error).__name__}); expected an array (n, d) of numbers.") from error
    yield from _table(path, names, vectors)


def _table(path: Path, names: list[str], vectors: np.ndarray) -> Iterator[Row]:
    numbers = vectors.ndim == 2 and vectors.dtype.kind in "fiu"
    if not numbers or len(names) != len(vectors):
        found = f"{len(names)} words and an array of {vectors.shape} {vectors.dtype}"
        raise InputError(f"{path} holds {found}; expected as many rows of numbers as words.")
    yield from ((name, lambda row=row: row) for name, row in zip(names, vectors, strict=True))


READERS: dict[str, Callable[[Path], Iterator[Row]]] = {".vec": _text, ".txt": _text, ".bin": _binary, ".npz": _npz, ".npy": _npy}


def names_file(path: Path) -> Path:
    """Where the words of an .npy file are."""
    return path.with_suffix(".names")


def source(path: Path) -> dict[str, str]:
    """The entry of a protocol card: the file's name without its folder, and its hash (with that of the words beside an .npy file)."""
    parts = [digest(path)] + ([digest(names_file(path))] if path.suffix.lower() == ".npy" else [])
    sha256 = parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
    return {"file": os.path.basename(path), "sha256": sha256}
