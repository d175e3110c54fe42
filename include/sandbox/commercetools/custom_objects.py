"""Custom objects: documents under container and key, written by upsert, with compare-and-swap on demand.

`POST` without `version` replaces whatever is there; with it, the version must match. Whether version 0 means
"must not exist yet" on the real API is unknown; here it does.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.errors import Json, concurrent_modification, invalid_field
from sandbox.commercetools.shapes import Shape, copied
from sandbox.commercetools.state import Collection, Context, Kind
from sandbox.commercetools.writing import create, replace

_NAME = re.compile(r"[-_~.a-zA-Z0-9]{1,256}")


def _name(value: Any, where: str) -> None:
    shapes.text(value, where)
    if _NAME.fullmatch(value) is None:
        raise invalid_field(
            where, value, f"Invalid {where} '{value}': 1 to 256 of the characters A-Z a-z 0-9 - _ ~ ."
        )


CUSTOM_OBJECTS = Kind(
    path="custom-objects",
    type_id="key-value-document",
    draft=Shape({"container": _name, "key": _name}, {"value": shapes.anything, "version": shapes.integer}),
    build=lambda context, draft: {
        name: draft[name] for name in ("container", "key", "value") if name in draft
    },
    actions={},
    fields=frozenset(["id", "version", "container", "key", "value", "createdAt", "lastModifiedAt"]),
    scopes=("key_value_documents", "products", "orders", "customers"),
    unique=lambda found: [("place", (found["container"], found["key"]))],
)


def upsert(context: Context, collection: Collection, draft: Json) -> tuple[Json, bool]:
    """The stored object and whether it is new. Every write counts, also one of the same value."""
    CUSTOM_OBJECTS.draft.check(draft)
    draft = {**draft, "value": _without_nulls(copied(draft.get("value")))}
    found = collection.find_by("place", (draft["container"], draft["key"]))
    version = draft.get("version")
    if found is None:
        if version not in (None, 0):
            raise concurrent_modification(version, 0, context.project.platform.tell_current_version)
        return create(collection, context, draft), True
    if version is not None:
        collection.check_version(found, version)
    return replace(collection, context, found, {**found, "value": draft["value"]}), False


def _without_nulls(value: Any) -> Any:
    """Fields that are null are dropped (documented)."""
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
