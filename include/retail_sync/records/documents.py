"""Small values as JSON documents and back, for what one step stages and another one reads."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_document(value: Any) -> Any:
    """A dataclass or model, with all it holds, as JSON. What a model was never given stays absent."""
    return _adapter(type(value)).dump_python(value, mode="json", exclude_unset=True)


def from_document(kind: type[T], document: Any) -> T:
    """The value that `to_document` was given."""
    found: T = _adapter(kind).validate_python(document)
    return found
