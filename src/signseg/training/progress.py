"""What a person sees while a run works: a bar on a terminal, a plain line every few seconds elsewhere."""

import atexit
import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Reporter(Protocol):
    """Told about progress; never decides anything."""

    def say(self, text: str) -> None: ...

    def advance(self, task: str, done: int, total: int, detail: str = "") -> None: ...


class Silent:
    """For library use and tests."""

    def say(self, text: str) -> None:
        pass

    def advance(self, task: str, done: int, total: int, detail: str = "") -> None:
        pass


class Lines:
    """Plain lines, at most one every `seconds` for each task, always the last."""

    def __init__(self, seconds: float = 5.0) -> None:
        self.seconds, self.last = seconds, time.monotonic()

    def say(self, text: str) -> None:
        print(text, flush=True)

    def advance(self, task: str, done: int, total: int, detail: str = "") -> None:
        if done >= total or time.monotonic() - self.last >= self.seconds:
            self.last = time.monotonic()
            print(f"{task} {done}/{total} {detail}".rstrip(), flush=True)


class Bar:
    """A live progress bar, one line for the task at hand."""

    def __init__(self) -> None:
        self.console = Console()
        self.progress: Progress | None = None
        self.task = ""
        atexit.register(self.close)  # an interrupted bar must not keep the cursor hidden

    def say(self, text: str) -> None:
        self.close()
        self.console.print(text, markup=False, highlight=False)

    def advance(self, task: str, done: int, total: int, detail: str = "") -> None:
        if self.progress is None or task != self.task:
            self.close()
            name, detail_text = TextColumn("{task.description}"), TextColumn("{task.fields[detail]}")
            columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), detail_text)
            self.progress, self.task = Progress(*columns, console=self.console), task
            self.progress.add_task(task, total=total, detail="")
            self.progress.start()
        self.progress.update(self.progress.task_ids[0], completed=done, detail=detail)
        if done >= total:
            self.close()

    def close(self) -> None:
        """Leave the bar as it stands and go to the next line."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None


def for_standard_output() -> Reporter:
    """A bar if a person is watching, lines otherwise."""
    return Bar() if sys.stdout.isatty() else Lines()
