"""Small values as JSON documents and back, for what one step stages and another one reads."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """Made once for each kind: that takes longer than its use."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_document(value: Any) -> Any:
    """A dataclass or model, with all it holds, as JSON. What a model was never given stays absent."""
    return _adapter(type(value)).dump_python(value, mode="json", exclude_unset=True)


def from_document(kind: type[T], document: Any) -> T:
    """The value that `to_document` was given."""
    found: T = _adapter(kind).validate_python(document)
    return found
