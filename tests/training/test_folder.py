"""The files of a run: the log after an interruption, and times."""

import json

import pytest

from signseg.errors import InputError
from signseg.training.folder import RunFolder, seconds_of, truncate_metrics

LINES = [{"step": step, "iteration": iteration, "losses": {}} for step in ("step_a", "step_b") for iteration in (10, 20, 30)]


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return RunFolder(tmp_path)


@pytest.mark.parametrize(
    ("step", "iteration", "left"),
    [("step_a", 10, 1), ("step_a", 15, 1), ("step_a", 30, 6), ("step_b", 0, 3), ("step_b", 20, 5), ("step_b", 30, 6), ("step_c", 0, 6)],
)
def test_lines_after_the_checkpoint_are_dropped(folder, step, iteration, left):
    truncate_metrics(folder, step=step, iteration=iteration)
    assert [json.loads(line) for line in folder.metrics.read_text().splitlines()] == LINES[:left]


@pytest.mark.parametrize("rest", [b'{"step": "step_c", "iter', b'\xff\xfe\n{"step": 1}', b"[1]\n", b'{"iteration": 3}\n'])
def test_what_is_not_a_line_ends_the_log(folder, rest):
    whole = folder.metrics.read_bytes()
    folder.metrics.write_bytes(whole + rest)
    truncate_metrics(folder, step="step_b", iteration=30)
    assert folder.metrics.read_bytes() == whole


def test_a_last_line_without_its_end_is_completed(folder):
    whole = folder.metrics.read_bytes()
    folder.metrics.write_bytes(whole[:-1])
    truncate_metrics(folder, step="step_b", iteration=30)
    assert folder.metrics.read_bytes() == whole


def test_no_log_yet(tmp_path):
    truncate_metrics(RunFolder(tmp_path), step="step_a", iteration=0)
    assert list(tmp_path.iterdir()) == []


def test_times(folder):
    assert seconds_of(folder) == {}
    folder.seconds.write_text('{"step_a": 3}')
    assert seconds_of(folder) == {"step_a": 3.0}
    for text in ("[1]", '{"step_a": "x"}', '{"step_a": null}'):
        folder.seconds.write_text(text)
        with pytest.raises(InputError, match="is not a list of times"):
            seconds_of(folder)
