"""Private fields of product rows stop here: what the configuration excludes is dropped as soon as it is parsed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.settings.models import SyncSettings


def excluded_paths(settings: SyncSettings) -> tuple[tuple[str, ...], ...]:
    """The excluded fields as paths: `product_suppliers.price` is the price inside each entry of `product_suppliers`."""
    return tuple(tuple(name.split(".")) for name in settings.privacy.exclude.get(SYSTEM, ()))


def without_private(row: dict[str, Any], paths: Iterable[tuple[str, ...]]) -> dict[str, Any]:
    """The row without the fields at these paths."""
    for path in paths:
        row = _without(row, path)
    return row


def _without(value: Any, path: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_without(item, path) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    rest = {name: item for name, item in value.items() if name != path[0]}
    return rest if len(path) == 1 else {**rest, path[0]: _without(value[path[0]], path[1:])}
