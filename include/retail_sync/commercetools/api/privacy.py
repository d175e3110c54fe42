"""Private fields stop here: taken out of wire rows before a page leaves the walk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

_VARIANT_PLACES = ("masterVariant", "variants")


class PrivateFields:
    """Removes the configured dotted fields from rows of products or customers, in place.

    A path starts at the row, or at any variant of a product: master and other variants are never told apart, because
    a field is private wherever the variant stands. Lists are looked through. Where a list holds name-value objects
    (attributes), a path segment is the name: `attributes.margin`.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        parts = [tuple(path.split(".")) for path in paths if path]
        self._paths = [path[1:] if path[0] in _VARIANT_PLACES and len(path) > 1 else path for path in parts]

    @property
    def names_prices(self) -> bool:
        """Whether prices as read may lack fields: then they can't be written back from what was read."""
        return any(path[0] == "prices" for path in self._paths)

    def hides(self, field: str) -> bool:
        """Whether something of this dotted field may be missing from rows: it, a part of it, or what it is a part
        of."""
        wanted = tuple(field.split("."))
        return any(path[: len(wanted)] == wanted[: len(path)] for path in self._paths)

    def remove(self, rows: Iterable[dict[str, Any]]) -> None:
        if not self._paths:
            return
        for row in rows:
            variants = [row.get("masterVariant"), *(row.get("variants") or ())]
            for path in self._paths:
                _remove(row, path)
                for variant in variants:
                    _remove(variant, path)


def _remove(holder: Any, path: Sequence[str]) -> None:
    first, rest = path[0], path[1:]
    if isinstance(holder, dict):
        if not rest:
            holder.pop(first, None)
        elif first in holder:
            _remove(holder[first], rest)
    elif isinstance(holder, list):
        if not rest:
            holder[:] = [item for item in holder if not _is_named(item, first)]
        for item in holder:
            if _is_named(item, first):
                _remove(item.get("value"), rest)
            else:
                _remove(item, path)


def _is_named(item: Any, name: str) -> bool:
    return isinstance(item, dict) and item.get("name") == name and "value" in item
