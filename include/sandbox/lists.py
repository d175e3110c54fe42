"""Lists that are answered wrongly and look right: short, empty, with rows that come twice, or as they were before.

Everything here takes a whole JSON answer and gives another one with the same shape and status. Both APIs answer lists
as objects, commercetools as `{"results": [...], "count": n}`, Lightspeed as `{"data": [...], "version": {...}}`; what
Lightspeed lists with a POST it answers as the array alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
LIST_FIELDS = ("results", "data")
STATES = 20
"""How many earlier states of a row are remembered."""


class Past:
    """What rows looked like whenever they were listed, by their ids."""

    def __init__(self) -> None:
        self._states: dict[str, list[str]] = {}

    def remember(self, rows: list[Row]) -> None:
        for row in rows:
            states = self._states.setdefault(_id(row), [])
            text = json.dumps(row, sort_keys=True)
            if not states or states[-1] != text:
                states.append(text)
                del states[:-STATES]

    def before(self, row: Row) -> Row:
        """The state before the present one; the row itself where none is known."""
        present = json.dumps(row, sort_keys=True)
        earlier = [one for one in self._states.get(_id(row), ()) if one != present]
        old: Row = json.loads(earlier[-1]) if earlier else row
        return old


def spoiled(body: bytes, kind: str, share: float, chance: random.Random, past: Past) -> bytes:
    """The answer with its list spoiled; as it is where it holds no list of records with ids. `share`: of the rows, how
    many a `short_list` lacks, and how many are stale or come twice."""
    try:
        document = json.loads(body)
    except ValueError:
        return body
    bare = not isinstance(document, dict)
    if bare:
        document = {LIST_FIELDS[0]: document}
    name = next((n for n in LIST_FIELDS if _is_list(document.get(n))), None)
    if name is None:
        return body
    rows: list[Row] = document[name]
    spoil: dict[str, Callable[[Row], list[Row]]] = {
        "short_list": lambda row: [] if chance.random() < share else [row],
        "empty_list": lambda row: [],
        "twice_list": lambda row: [row, row] if chance.random() < share else [row],
        "stale_list": lambda row: [past.before(row)] if chance.random() < share else [row],
    }
    document[name] = [left for row in rows for left in spoil[kind](row)]
    past.remember(rows)
    if "count" in document:
        document["count"] = len(document[name])
    if "version" in document and not document[name]:
        document["version"] = {"min": None, "max": None}
    return json.dumps(document[name] if bare else document).encode()


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) and row.get("id") for row in value)


def _id(row: Row) -> str:
    return str(row["id"])
