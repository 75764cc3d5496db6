"""Writing files so that a killed process never leaves half of one, and locking a run folder against a second process."""

import contextlib
import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from signseg.errors import InputError

LOCK = ".lock"
PART = ".part"  # end of the name of a file that is being written


def reason(error: OSError) -> str:
    """Why the system refused, in words; some libraries raise OSError without the system's text."""
    return error.strerror or str(error) or type(error).__name__


def cannot_write(path: Path, error: OSError) -> InputError:
    """The sentence for a file that the system would not write."""
    return InputError(f"Cannot write {path}: {reason(error)}; free some space or choose a writable folder.")


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write through a temporary file in the same folder and rename it; on any failure the old file stays.

    Raises:
        InputError: the folder cannot be written or the disk is full.
    """
    path = Path(path)
    name = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=PART, delete=False) as handle:
            name = handle.name
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if name:
            with contextlib.suppress(OSError):
                os.unlink(name)


def remove_parts(folder: Path) -> None:
    """Delete what killed processes had begun to write. Only while `folder` is locked, so that nobody is writing."""
    for path in folder.glob(f".*{PART}"):
        with contextlib.suppress(OSError):
            path.unlink()


def append_line(path: Path, text: str) -> None:
    """Add a line to a log. A line that was cut off by a full disk or a kill is for the reader to drop.

    Raises:
        InputError: the file cannot be written or the disk is full.
    """
    data = text.encode() + b"\n"
    try:
        with open(path, "ab", buffering=0) as handle:
            if handle.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise cannot_write(path, error) from error


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
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; expected a file that signseg wrote.") from error
    except (OSError, ValueError, RecursionError) as error:
        found = reason(error) if isinstance(error, OSError) else str(error)
        raise InputError(f"{path} cannot be read as JSON ({found}); restore it or start a new run.") from error


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process. The lock ends with the process, however that ends.

    A folder that was made here and is still empty when the work fails is removed; an interruption keeps it.

    Raises:
        InputError: another process holds it, or the folder cannot be made.
    """
    made = not folder.exists()
    lock = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(lock, "w")
    except OSError as error:
        raise InputError(f"Cannot write to {folder}: {reason(error)}; choose a writable folder.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle.fileno()).st_ino != os.stat(lock).st_ino:
                raise FileNotFoundError(lock)  # the last holder has just removed it
        except OSError as error:
            raise InputError(f"Another signseg process is using {folder}; wait for it to end or choose another --out.") from error
        try:
            yield
        except Exception:
            if made and [item.name for item in folder.iterdir()] == [LOCK]:
                lock.unlink()
                folder.rmdir()
            raise
