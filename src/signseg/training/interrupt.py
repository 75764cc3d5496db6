"""SIGTERM and Ctrl-C become a request that the training loop honours after the current iteration, with its state saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop and can be resumed."""


class StopRequest:
    """True once a signal has arrived."""

    def __init__(self) -> None:
        self.arrived = False

    def __bool__(self) -> bool:
        return self.arrived


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM while inside; a second one of either kind stops at once, as the system would."""
    request = StopRequest()
    previous = {}

    def note(number: int, frame: FrameType | None) -> None:
        if request.arrived:
            raise KeyboardInterrupt
        request.arrived = True

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            previous[number] = signal.signal(number, note)
        except ValueError:  # not the main thread: signals are somebody else's business
            break
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
