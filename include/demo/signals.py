"""Ending in order: Ctrl-C and SIGTERM unwind the program once, and can't cut its clean-up short."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody asked the program to end. Not an Exception, so that nothing swallows it on the way out."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"interrupted by {self.signal.name}")


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Within the block the first ending signal raises `Interrupted`; further ones are ignored.

    Put it around everything that has something to clean up. For the main thread only.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        for other in _ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
