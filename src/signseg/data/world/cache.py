"""Keeps what the world has drawn or trained as .npz files, so that it is made once. It never decides what to make.

A file that is missing, damaged or of another shape is made again; a folder that cannot be written costs time, not the run.
"""

import contextlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from signseg.errors import InputError
from signseg.files import write_atomically

Arrays = dict[str, np.ndarray]


def default_cache() -> Path:
    """$SIGNSEG_CACHE, or the usual folder for caches of the user."""
    return Path(os.environ.get("SIGNSEG_CACHE") or Path("~/.cache/signseg").expanduser())


def remembered(path: Path, make: Callable[[], Arrays], expected: dict[str, tuple[tuple[int, ...], type]]) -> Arrays:
    """The arrays stored at `path`, or those that `make` returns, which are then stored there.

    Args:
        expected: shape and type of each array; what does not fit is made again. Damage is found by the CRC in the zip file.
    """
    found = _read(path, expected)
    if found is not None:
        return found
    made = make()
    named: dict[str, Any] = dict(made)
    with contextlib.suppress(InputError):  # an unwritable cache: go on in memory
        write_atomically(path, lambda handle: np.savez(handle, **named))
    return made


def _read(path: Path, expected: dict[str, tuple[tuple[int, ...], type]]) -> Arrays | None:
    try:
        with path.open("rb") as handle, np.load(handle, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in expected}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, NotImplementedError):
        return None
    fits = all(arrays[name].shape == shape and arrays[name].dtype == dtype for name, (shape, dtype) in expected.items())
    return arrays if fits else None
