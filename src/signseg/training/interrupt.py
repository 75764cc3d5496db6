"""SIGTERM and Ctrl-C become a request that the training loop honours after the current iteration, with its state saved."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from signseg.signals import handled


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
    """Note SIGINT and SIGTERM while inside; a second one of either kind stops at once.

    Raises:
        Interrupted: at the end, if a signal came too late for the work inside to see it.
    """
    request = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        if request.arrived:
            raise KeyboardInterrupt
        request.arrived = True

    with handled(note, signal.SIGINT, signal.SIGTERM):
        yield request
    if request.arrived:
        raise Interrupted
