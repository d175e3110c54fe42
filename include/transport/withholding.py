"""What may be kept of a request whose bodies and query hold personal data: its shape, so that a person can see which
actions were sent and which error came back, and no value that says who it was about.

Everything is masked, except for members and parameters that are named here and whose values look the part. New members
of an API are therefore masked until somebody lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qsl

Withhold = bool | Literal["shape"]
"""How bodies of personal data are kept: not at all (True), as their shape, or as they are (False)."""

MASK = "***"
SHOWN = frozenset(
    {
        *("id", "version", "typeId", "action", "actionIndex", "code", "statusCode", "field", "country"),
        *("createdAt", "lastModifiedAt", "currentVersion", "created_at", "updated_at", "deleted_at"),
        *("limit", "offset", "count"),
    }
)
"""Members of bodies whose values are kept."""
FREE = frozenset({"fields"})
"""Members under which a shop names what it likes (custom fields): a name there says nothing about its value."""
PLAIN = frozenset(
    {
        *("limit", "offset", "sort", "withTotal", "expand", "version", "dataErasure"),
        *("page", "page_size", "after", "before", "deleted"),
    }
)
"""Query parameters whose values are kept."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,80}|…", re.ASCII)
_VALUE = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.,:\[\]* -]{0,100}", re.ASCII)
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*"|(?<![A-Za-z_])\d[\d.]*', re.DOTALL)
_PREDICATE = re.compile(r"[A-Za-z0-9_ .,()<>=!\[\]-]*", re.ASCII)
_TELLS_NOBODY = re.compile(
    r'"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
    r'|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)"'
)
"""Literals that name no person: ids and times."""


def shape_of(value: Any, room: int, text: Callable[[str], str]) -> Any:
    """A JSON value with its values masked. Stops after about `room` characters; `text` takes secrets out of names."""
    return _Shape(room, text).value(value, None, shown=True)


class _Shape:
    def __init__(self, room: int, text: Callable[[str], str]) -> None:
        self._room = room
        self._text = text

    def value(self, value: Any, name: str | None, *, shown: bool) -> Any:
        if isinstance(value, dict):
            return self._members(value, shown=shown and name not in FREE)
        if isinstance(value, list):
            return self._items(value, name, shown=shown)
        self._room -= 8
        if value is None or value == "":
            return value
        return value if shown and name in SHOWN and _is_plain(value) else MASK

    def _members(self, members: dict[str, Any], *, shown: bool) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for position, (name, value) in enumerate(members.items()):
            if self._room <= 0:
                kept["…"] = f"{len(members) - position} more members cut"
                break
            self._room -= len(name) + 4
            kept[self._text(name) if _NAME.fullmatch(name) else MASK] = self.value(value, name, shown=shown)
        return kept

    def _items(self, items: list[Any], name: str | None, *, shown: bool) -> list[Any]:
        kept: list[Any] = []
        for position, item in enumerate(items):
            if self._room <= 0:
                kept.append(f"… {len(items) - position} more items cut")
                break
            kept.append(self.value(item, name, shown=shown))
        return kept


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return _VALUE.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def query_shape(query: str) -> list[tuple[str, str]]:
    """The parameters of a query: of a predicate its form, with ids and times; of anything else only the name."""
    return [
        (name if _NAME.fullmatch(name) else MASK, _parameter(name, value))
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]


def _parameter(name: str, value: str) -> str:
    if name in PLAIN:
        return value if _PLAIN_VALUE.fullmatch(value) else MASK
    if '"' not in value or not _PREDICATE.fullmatch(_LITERAL.sub("", value)):
        return MASK
    return _LITERAL.sub(lambda found: found[0] if _TELLS_NOBODY.fullmatch(found[0]) else f'"{MASK}"', value)
