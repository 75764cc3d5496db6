"""Answering SIGTERM and Ctrl-C. It needs nothing but the standard library, so that a command can catch them before anything is loaded."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def termination_interrupts() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt while inside, as Ctrl-C does, so that both end a command in one way."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with handled(interrupt, signal.SIGTERM):
        yield


@contextmanager
def handled(handler: Callable[[int, FrameType | None], None], *numbers: signal.Signals) -> Iterator[None]:
    """Let `handler` answer some signals while inside."""
    previous = {}
    for number in numbers:
        try:
            previous[number] = signal.signal(number, handler)
        except ValueError:  # not the main thread: signals are somebody else's business
            break
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
