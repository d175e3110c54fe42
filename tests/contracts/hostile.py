"""Every place of a row, with every hostile value: made as the bytes of an answer, so that the parser takes part."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Path = tuple[Any, ...]

CANARY = "Geheim"
"""Stands in every hostile text: it may be read as a value, and never told in an error or a log."""

HOSTILE: Mapping[str, str] = {
    "lone surrogate": rf'"{CANARY}\ud83d"',
    "nul": rf'"{CANARY}\u0000x"',
    "1e400": "1e400",
    "1e300": "1e300",
    "30 digits": "9" * 30,
    "5000 digits": "9" * 5_000,
    "64 bits and one": str(2**63),
    "huge exponent": "1e1500000000",
    "impossible exponent": "1e1000000000000000000",
    "tiny": "1e-400",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "below zero": "-7",
    "fraction": "0.5",
    "text": f'"{CANARY}"',
    "empty": '""',
    "blank": '" "',
    "long": '"' + CANARY * 600 + '"',
    "list": f'["{CANARY}"]',
    "list of null": "[null]",
    "empty list": "[]",
    "object": f'{{"{CANARY}": {{"{CANARY}": 1}}}}',
    "empty object": "{}",
    "null": "null",
    "true": "true",
    "year 99999": '"99999-01-01T00:00:00.000Z"',
    "year 1": '"0001-01-01T00:00:00+23:59"',
    "year 9999": '"9999-12-31T23:59:59.999Z"',
    "deep": "[" * 10_000 + "]" * 10_000,
    "pretended": f'{{"$unreadable": "{CANARY}"}}',
}
TWICE = "twice"
KINDS = (*HOSTILE, TWICE)


@dataclass(frozen=True)
class Case:
    """One hostile value in one place of a row."""

    path: Path
    kind: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path)) or 'the row'} = {self.kind}"


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every place of a row, the row itself first; of a list the first item only."""
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def cases(rows: Sequence[Json]) -> list[tuple[Json, Case]]:
    """Each place of these rows once, with each hostile value, and the row it is in."""
    holders: dict[Path, Json] = {}
    for row in rows:
        for path in places(row):
            holders.setdefault(path, row)
    return [
        (row, Case(path, kind))
        for path, row in holders.items()
        for kind in KINDS
        if kind != TWICE or (path and isinstance(path[-1], str))
    ]


class Text:
    """JSON text of a document some places of which are hostile."""

    def __init__(self) -> None:
        self._literals: dict[str, str] = {}

    def put(self, row: Json, case: Case) -> Any:
        """A copy of the row with a sign in the place of the value, to be replaced when the text is made."""
        if not case.path:
            return self._sign(HOSTILE[case.kind])
        changed = holder = dict(row)
        for part in case.path[:-1]:  # only what lies on the way is copied
            holder[part] = copy.copy(holder[part])
            holder = holder[part]
        name = case.path[-1]
        if case.kind == TWICE:
            holder[self._name_again(name)] = holder[name]
        else:
            holder[name] = self._sign(HOSTILE[case.kind])
        return changed

    def of(self, document: Any) -> bytes:
        text = json.dumps(document, ensure_ascii=False)
        for sign, literal in self._literals.items():
            text = text.replace(sign, literal)
        return text.encode()

    def _sign(self, literal: str) -> str:
        sign = f"@@{len(self._literals)}@@"
        self._literals[f'"{sign}"'] = literal
        return sign

    def _name_again(self, name: str) -> str:
        sign = f"@@{len(self._literals)}@@"
        self._literals[f'"{sign}"'] = json.dumps(name)
        return sign
