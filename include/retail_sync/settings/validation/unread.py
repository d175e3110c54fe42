"""What of a configuration file can't be used, left out so that the rest can be looked at."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from retail_sync.settings.document import Loc, Problem


class Unread:
    """`rest`: the file's content without what was left out."""

    def __init__(self, data: Any) -> None:
        self.rest = copy.deepcopy(data)
        self._names: set[str] = set()
        self._places: list[Loc] = []

    def leave_out(self, wrong: Iterable[Sequence[str | int]]) -> bool:
        """Leave out what pydantic found wrong at these places; where something is missing, what it is missing in.
        False where nothing would be left."""
        places = {self._place(loc) for loc in wrong}
        if () in places:
            return False
        for place in sorted(places, key=len):
            parent = self._at(place[:-1])
            if isinstance(parent, dict):
                self._names.update(_texts(parent.pop(place[-1], None)))
        self._places.extend(places)
        return True

    def concerns(self, problem: Problem) -> bool:
        """Whether a contradiction may be there only because of what was left out: it is at such a place, or names
        something that was named there."""
        at_it = any(problem.loc[: len(place)] == place for place in self._places)
        return at_it or any(repr(name) in problem.text for name in self._names)

    def _place(self, loc: Sequence[str | int]) -> Loc:
        """The setting to leave out for a finding: the deepest one that the file holds. An element goes with its list,
        because problems are told by the positions of the others. Names of variants of a model are no places."""
        place: list[str | int] = []
        here = self.rest
        for part in loc:
            known = (
                part in here
                if isinstance(here, dict)
                else isinstance(here, list) and part in range(len(here))
            )
            if known:
                here = here[part]
                place.append(part)
        while place and isinstance(place[-1], int):
            place.pop()
        return tuple(place)

    def _at(self, place: Loc) -> Any:
        here = self.rest
        for part in place:
            try:
                here = here[part]
            except (KeyError, IndexError, TypeError):
                return None
        return here


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
