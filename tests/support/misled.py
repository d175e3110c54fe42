"""Histories that are played twice: over lists that say the truth, and over lists that now and then do not.

An entity gives its world, what can happen in it between two runs, and what both systems show; the order of events, and
which lists are wrong when, come from a seed. What an answer from the past hides, or a delta that came short, nobody can
notice: so both plays end with one full run over healthy lists, and a second one writes nothing.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from retail_sync.records.errors import SyncError
from retail_sync.sync.engine.settle import RunFailed
from tests.support.worlds import World

KINDS = ("short_list", "empty_list", "twice_list", "stale_list")
ROUNDS = 4
EVENT_SHARE = 0.25
"""Share of the histories to which something happens between two runs."""
STRIKES = 0.5
"""Share of the lists that are wrong, in a run in which they are."""
LACKING = 0.4
"""Share of the rows that a short list lacks."""

Event = Callable[[int, str], None]
"""What happens to the history of this number; the text tells one event from another."""


class Histories(ABC):
    """The histories of one world. `wrong`: lists are wrong now and then."""

    lists: ClassVar[Mapping[str, Sequence[Mapping[str, Any]]]]
    """By system: the requests that are answered wrongly, as `Faults` matches them."""
    count: ClassVar[int] = 20

    def __init__(self, world: World, *, seed: int, wrong: bool) -> None:
        self.world = world
        self.wrong = wrong
        self.failed = 0
        self._events = random.Random(seed)
        self._faults = random.Random(seed + 1)

    @abstractmethod
    def begin(self) -> None:
        """Make the histories, and align both systems."""

    @abstractmethod
    def events(self) -> Sequence[Event]:
        """What can happen; what is there twice happens twice as often."""

    @abstractmethod
    def run(self, mode: str) -> int:
        """One run; how many changes it planned."""

    @abstractmethod
    def look(self) -> None:
        """Assert, after each run, that nothing was lost that is there."""

    @abstractmethod
    def end(self) -> Mapping[str, Mapping[str, Any]]:
        """What either system shows: by system, then by what a person would call it. Doubles show."""

    def play(self) -> None:
        self._remember()
        self.begin()
        for number in range(ROUNDS):
            for one in range(self.count):
                if self._events.random() < EVENT_SHARE:
                    self._events.choice(self.events())(one, f"{number}")
            self._run_misled(self._events.choice(["full", "full", "delta"]))
            self.look()
        self.run("full")
        assert self.run("full") == 0
        struck = {one.fault for system in self.lists for one in self.world.requests(system)} & {*KINDS}
        assert bool(struck) == self.wrong, f"lists that were wrong: {sorted(struck)}"

    def _remember(self) -> None:
        """Stand-ins remember how rows looked from now on, so that an answer can come from the past."""
        for faults in self.world.faults.values():
            faults.add({"match": "^/never$", "kind": "stale_list", "times": None})

    def _run_misled(self, mode: str) -> None:
        for system, lists in self.lists.items():
            for one in lists:
                kind = self._faults.choice([*KINDS, ""])
                if self.wrong and kind:
                    rule = {"times": None, "kind": kind, "probability": STRIKES, "share": LACKING, **one}
                    self.world.faults[system].add(rule)
        try:
            self.run(mode)
        except (SyncError, RunFailed):
            self.failed += 1
            assert self.wrong
        finally:
            for faults in self.world.faults.values():
                faults.clear()
            self._remember()


def differences(
    true: Mapping[str, Mapping[str, Any]], misled: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, str, Any, Any]]:
    """Where two ends are not alike: system, name, and what each shows."""
    return [
        (system, name, true[system].get(name), misled[system].get(name))
        for system in true
        for name in sorted({*true[system], *misled[system]})
        if true[system].get(name) != misled[system].get(name)
    ]
