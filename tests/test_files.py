"""Files that are whole or absent, and folders that one process holds at a time."""

import errno
import json
import math
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from signseg.errors import InputError, did_you_mean
from signseg.files import append_line, folder_lock, read_json, remove_parts, write_atomically, write_json


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def disk_full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_written_with_its_folders(tmp_path):
    path = tmp_path / "a" / "b" / "model.bin"
    write_atomically(path, lambda handle: handle.write(b"new"))
    assert contents(path.parent) == {"model.bin": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old and longer")

    def write(handle):
        handle.write(b"new")
        handle.flush()
        assert path.read_bytes() == b"old and longer"

    write_atomically(path, write)
    assert contents(tmp_path) == {"model.bin": b"new"}


@pytest.mark.parametrize("error", [ValueError("half way"), KeyboardInterrupt(), InputError("half way")])
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")

    def write(handle):
        handle.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_atomically(path, write)
    assert contents(tmp_path) == {"model.bin": b"old"}


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, monkeypatch, call):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, call, disk_full)
    with pytest.raises(InputError, match=r"Cannot write .*model\.bin: No space left on device; free some space"):
        write_atomically(path, lambda handle: handle.write(b"new"))
    assert contents(tmp_path) == {"model.bin": b"old"}


def test_a_disk_that_fills_up_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    with pytest.raises(InputError, match="No space left on device"):
        write_atomically(path, disk_full)
    assert contents(tmp_path) == {"model.bin": b"old"}


@pytest.mark.parametrize("below", ["model.bin", "folder/model.bin"])
def test_a_folder_that_cannot_be_made_is_bad_input(tmp_path, below):
    """A regular file where a folder should be stops root too, unlike missing permissions."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="choose a writable folder"):
        write_atomically(tmp_path / "file" / below, lambda handle: handle.write(b"new"))
    assert contents(tmp_path) == {"file": b"in the way"}


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    program = """
import os, signal, sys
from pathlib import Path
from signseg.files import write_atomically
def write(handle):
    handle.write(b"half")
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path(sys.argv[1]), write)
"""
    assert subprocess.run([sys.executable, "-c", program, str(path)]).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    assert all(name.startswith(".") for name in contents(tmp_path) if name != "model.bin")


def test_json_round_trip(tmp_path):
    value = {"name": "sky", "miou": [0.1, 1 / 3, None], "classes": {"0": "é"}}
    write_json(tmp_path / "results.json", value)
    assert read_json(tmp_path / "results.json") == value
    assert json.loads((tmp_path / "results.json").read_bytes()) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, object()])
def test_json_that_others_could_not_read_is_refused(tmp_path, value):
    write_json(tmp_path / "results.json", 1)
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "results.json", {"miou": value})
    assert contents(tmp_path) == {"results.json": b"1\n"}


@pytest.mark.parametrize("broken", [b"", b'{"rows": [', b"\xff\xfe\x00"])
def test_broken_json_is_bad_input(tmp_path, broken):
    (tmp_path / "results.json").write_bytes(broken)
    with pytest.raises(InputError, match=r"results\.json cannot be read as JSON"):
        read_json(tmp_path / "results.json")


def test_missing_json_is_bad_input(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_json(tmp_path / "results.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path)


HOLD = """
import sys
from pathlib import Path
from signseg.files import folder_lock
with folder_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds `tmp_path / 'run'` until its standard input closes."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "held\n"
        yield process
        if process.poll() is None:
            process.kill()


def test_a_folder_is_held_by_one_process(tmp_path, holder):
    with pytest.raises(InputError, match=r"Another signseg process is using .*run"), folder_lock(tmp_path / "run"):
        pytest.fail("both processes hold the folder")
    with folder_lock(tmp_path / "other"):
        pass
    holder.communicate()
    with folder_lock(tmp_path / "run"):
        pass


def test_a_lock_ends_with_its_process(tmp_path, holder):
    holder.kill()
    holder.wait()
    with folder_lock(tmp_path / "run"):
        pass


def test_a_lock_ends_with_its_block(tmp_path):
    with pytest.raises(KeyError), folder_lock(tmp_path / "run"):
        raise KeyError("the work failed")
    with folder_lock(tmp_path / "run"):
        pass


def test_a_folder_that_cannot_be_locked_is_bad_input(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="choose a writable folder"), folder_lock(tmp_path / "file" / "run"):
        pytest.fail("locked a folder that cannot exist")


def test_the_nearest_spelling_is_offered():
    assert did_you_mean("sing", ("sign", "spnet")) == "did you mean 'sign'?"
    assert did_you_mean("deeplab", ("sign", "spnet")) == "choose one of: sign, spnet."


def test_an_error_without_the_system_s_words_still_reads_well(tmp_path):
    def fail(error):
        def write(handle):
            raise error

        return write

    with pytest.raises(InputError, match=r"Cannot write .*a\.png: encoder error -2; free some space"):
        write_atomically(tmp_path / "a.png", fail(OSError("encoder error -2")))
    with pytest.raises(InputError, match=r"Cannot write .*a\.png: OSError; free some space"):
        write_atomically(tmp_path / "a.png", fail(OSError()))


def test_a_line_on_a_full_disk(tmp_path):
    append_line(tmp_path / "log", "one")
    append_line(tmp_path / "log", "zwölf")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "one\nzwölf\n"
    with pytest.raises(InputError, match="Cannot write /dev/full: No space left on device"):
        append_line(Path("/dev/full"), "three")


def test_pieces_of_killed_writers_are_swept(tmp_path):
    for name in (".state.pt.abc.part", "model.safetensors", ".lock", "a.part"):
        (tmp_path / name).touch()
    remove_parts(tmp_path)
    assert sorted(contents(tmp_path)) == [".lock", "a.part", "model.safetensors"]


def test_a_folder_made_in_vain_is_removed(tmp_path):
    def fail(folder, error, make=False):
        with pytest.raises(type(error)), folder_lock(folder):
            if make:
                (folder / "config.json").touch()
            raise error
        return folder.exists()

    (tmp_path / "mine").mkdir()
    assert not fail(tmp_path / "new", InputError("bad"))
    assert fail(tmp_path / "used", InputError("bad"), make=True)
    assert fail(tmp_path / "interrupted", KeyboardInterrupt())
    assert fail(tmp_path / "mine", InputError("bad"))


def test_json_nested_without_end_is_bad_input(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="cannot be read as JSON"):
        read_json(tmp_path / "deep.json")
