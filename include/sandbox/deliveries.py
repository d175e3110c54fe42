"""Deliveries on their way to whoever wants to be told, for both stand-ins.

A receiver has a line, and a line has a thread that makes the attempts, without the store's lock; the thread ends when
nothing is left that it may deliver. At least once, in no order that is promised. Delays are real seconds, whatever the
store's clock says.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

CLOSING_SECONDS = 5.0
NEXT = 1e-9
"""Seconds: enough to be told apart from the one before."""
WAITING, LOST = "waiting", "lost"


@dataclass(kw_only=True)
class Delivery:
    """What is delivered once, and what became of it. `status`: the HTTP status of the receiver's last answer, None:
    there was none. `due`: monotonic seconds. `urgent`: an attempt is wanted now, whatever holds it back."""

    SHOWN: ClassVar[Sequence[str]]

    n: int
    at: str
    duplicate: bool = False
    state: str = WAITING
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    due: float = field(default_factory=time.monotonic)
    urgent: bool = False

    def shown(self) -> dict[str, Any]:
        """As those who run the stand-in see it."""
        return {name: getattr(self, name) for name in self.SHOWN}


D = TypeVar("D", bound=Delivery)
R = TypeVar("R")


@dataclass
class Line(Generic[D]):
    """What waits for one receiver. `queue`: a heap. `under_way`: what the thread has in its hands."""

    id: str
    queue: list[tuple[float, int, D]] = field(default_factory=list)
    under_way: list[D] = field(default_factory=list)
    thread: threading.Thread | None = None

    def push(self, delivery: D) -> None:
        heapq.heappush(self.queue, (delivery.due, delivery.n, delivery))

    def pop(self) -> D:
        return heapq.heappop(self.queue)[2]

    def hurry(self) -> None:
        """All is due, in the order in which it would have been."""
        now, waiting = time.monotonic(), [delivery for _, _, delivery in sorted(self.queue)]
        for position, delivery in enumerate(waiting):
            delivery.due, delivery.urgent = now + position * NEXT, True
        self.queue = [(delivery.due, delivery.n, delivery) for delivery in waiting]

    def everything(self) -> list[D]:
        """In the order in which it will be delivered."""
        return [*self.under_way, *(delivery for _, _, delivery in sorted(self.queue))]


class Gone(Exception):
    """The receiver takes nothing any more, or is not there any more: what waits for it is lost. The text says why."""


class Lines(ABC, Generic[D, R]):
    """The deliveries of a store. `_changed` guards them, and tells of every change."""

    STATES: ClassVar[Sequence[str]]
    NAME: ClassVar[str]
    """What threads are called."""

    def __init__(self, most_logged: int, seed: int) -> None:
        self._changed = threading.Condition()
        self._random = random.Random(seed)
        self._lines: dict[str, Line[D]] = {}
        self._log: deque[D] = deque(maxlen=most_logged)
        self._count = 0
        self._closed = False

    @abstractmethod
    def _receiver_of(self, delivery: D) -> R:
        """Whom it goes to, as that is now. Raises Gone."""

    @abstractmethod
    def _attempt(self, line: Line[D], receiver: R, batch: list[D]) -> None:
        """One try, and what follows from it (`_conclude`)."""

    def _disconnect(self) -> None:
        """Ends connections; no thread works any more, or not for long."""

    def _pause(self, line: Line[D]) -> float | None:
        """Seconds until the first one is due; None: until something changes."""
        return max(0.0, line.queue[0][0] - time.monotonic())

    def _taken(self, line: Line[D]) -> list[D]:
        """The first of the line, and what goes with it."""
        return [line.pop()]

    # --- what people and programs that run the stand-in do ---

    @property
    def log(self) -> list[D]:
        """Deliveries so far, oldest first."""
        with self._changed:
            return list(self._log)

    def clear_log(self) -> None:
        with self._changed:
            self._log.clear()

    def counts(self) -> dict[str, int]:
        """How many deliveries of the log are in which state."""
        with self._changed:
            return {state: sum(one.state == state for one in self._log) for state in self.STATES}

    def settle(self, timeout: float = 30.0) -> bool:
        """Wait until everything that was to be delivered is, or was given up; False if it takes longer."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(line.everything() for line in self._lines.values()), timeout
            )

    def _hurry(self, lines: Sequence[Line[D]], timeout: float) -> bool:
        """An attempt now for all that waits in these lines, whatever it waits for; False if that takes longer. What
        fails again goes on waiting."""
        with self._changed:
            tried = [(one, one.attempts) for line in lines for one in line.everything()]
            for line in lines:
                line.hurry()
            self._wake()
            return self._changed.wait_for(
                lambda: all(one.attempts > before or one.state != WAITING for one, before in tried), timeout
            )

    def open(self) -> None:
        """Deliver (again), also what waits since `close`. A new one is open."""
        with self._changed:
            self._closed = False
            self._wake()

    def close(self) -> None:
        """Deliver nothing more, and end threads and connections. What waits goes on waiting; a try that is under way
        ends by itself."""
        with self._changed:
            self._closed = True
            threads = [line.thread for line in self._lines.values() if line.thread is not None]
            self._changed.notify_all()
        deadline = time.monotonic() + CLOSING_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._disconnect()

    # --- lines, and who delivers them ---

    def _happens(self, share: float) -> bool:
        return share > 0 and self._random.random() < share

    def _logged(self, make: Callable[[int], D]) -> D:
        """A new delivery. `make`: of its number."""
        with self._changed:
            self._count += 1
            delivery = make(self._count)
            self._log.append(delivery)
            return delivery

    def _enqueue(self, line_id: str, delivery: D) -> None:
        with self._changed:
            line = self._lines.setdefault(line_id, Line(line_id))
            line.push(delivery)
            self._run(line)
            self._changed.notify_all()

    def _wake(self) -> None:
        """Something has changed that may let waiting ones go."""
        for line in self._lines.values():
            self._run(line)
        self._changed.notify_all()

    def _run(self, line: Line[D]) -> None:
        if line.thread is None and line.queue and not self._closed:
            name = f"{self.NAME}-{line.id[:8]}"
            line.thread = threading.Thread(target=self._work, args=(line,), name=name, daemon=True)
            line.thread.start()

    def _work(self, line: Line[D]) -> None:
        """What a line's thread does until nothing is left that it may deliver."""
        while (found := self._next(line)) is not None:
            self._attempt(line, *found)

    def _next(self, line: Line[D]) -> tuple[R, list[D]] | None:
        """The receiver and what is due, once it is; None when the thread may end."""
        with self._changed:
            while line.queue and not self._closed:
                try:
                    receiver = self._receiver_of(line.queue[0][2])
                except Gone as why:
                    for _, _, delivery in line.queue:
                        delivery.state, delivery.error = LOST, str(why) or delivery.error
                    line.queue.clear()
                    continue
                pause = self._pause(line)
                if pause is None:
                    break
                if pause == 0:
                    line.under_way = self._taken(line)
                    return receiver, line.under_way
                self._changed.wait(pause)
            line.thread = None
            self._changed.notify_all()
            return None

    def _conclude(
        self,
        line: Line[D],
        status: int | None,
        error: str | None,
        became: Callable[[D], str],
        pause: Callable[[D], float],
    ) -> None:
        """Writes down what became of those under way. What still waits goes back into the line for this `pause`
        (seconds)."""
        with self._changed:
            batch, line.under_way = line.under_way, []
            for one in batch:
                one.attempts += 1
                one.status, one.error, one.urgent = status, error, False
                one.state = became(one)
                if one.state == WAITING:
                    one.due = time.monotonic() + pause(one)
                    line.push(one)
            self._changed.notify_all()
