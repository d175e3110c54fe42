"""Cutting wire rows down to members that are named, so that a member nobody thought of is never kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Tree = Mapping[str, Any]
"""Members that are kept; of an object, or a list of objects, again a tree; `{}`: texts by language, whichever."""


def scalars(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names)


def trimmed_to(tree: Tree, row: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = _cut(row, tree)
    return kept


def _cut(value: Any, tree: Tree | None) -> Any:
    """An object or a list where none is expected is nothing we know, and so is a text where an object is."""
    if tree is None:
        return None if isinstance(value, (list, Mapping)) else value
    if isinstance(value, list):
        return [_cut(item, tree) for item in value]
    if not isinstance(value, Mapping):
        return None
    if not tree:
        return {name: _cut(text, None) for name, text in value.items()}
    return {name: _cut(value[name], below) for name, below in tree.items() if name in value}
