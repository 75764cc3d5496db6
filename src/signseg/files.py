"""Writing files so that a killed process never leaves half of one, and locking a run folder against a second process."""

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from signseg.errors import InputError


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write through a temporary file in the same folder and rename it; on any failure the old file stays.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as handle:
            name = handle.name
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}; free some space or choose a writable folder.") from error
    finally:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically. NaN and infinity are refused, since other readers would stumble over them."""
    text = json.dumps(value, indent=1, allow_nan=False) + "\n"
    write_atomically(path, lambda handle: handle.write(text.encode()))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: the file is missing or is not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; expected a file that signseg wrote.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error}); restore it or start a new run.") from error


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process. The lock ends with the process, however that ends.

    Raises:
        InputError: another process holds it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / ".lock", "w")
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {error.strerror}; choose a writable folder.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"Another signseg process is using {folder}; wait for it to end or choose another --out.") from error
        yield
