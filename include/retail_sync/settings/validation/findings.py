"""The collector that every rule adds to."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import TypeVar

from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.problems import did_you_mean

T = TypeVar("T", bound=Hashable)


class Findings:
    """What the rules found, and the section whose rules are asked. `all`: everything, of all sections."""

    def __init__(self, *section: str | int, found: list[Problem] | None = None) -> None:
        self.section: Loc = section
        self.all: list[Problem] = [] if found is None else found

    def within(self, *deeper: str | int) -> Findings:
        """The same collector, at a place inside this section."""
        return Findings(*self.section, *deeper, found=self.all)

    def add(self, at: str | int | Loc, text: str, remedy: str) -> None:
        """A problem at a place of this section (`()` = the section itself)."""
        loc = at if isinstance(at, tuple) else (at,)
        self.all.append(Problem((*self.section, *loc), text, remedy))

    def unknown(
        self,
        at: str | int | Loc,
        name: str,
        known: Collection[str],
        text: str = "There is no location {!r}.",
        otherwise: str = "",
    ) -> None:
        """A problem where `known` does not have the name that is used there."""
        if name not in known:
            self.add(at, text.format(name), did_you_mean(name, list(known), otherwise))


def repeated(values: Sequence[T]) -> Iterator[tuple[int, T]]:
    """What is there for the second time or more, with its positions."""
    seen: set[T] = set()
    for position, value in enumerate(values):
        if value in seen:
            yield position, value
        seen.add(value)
