"""Writing into a collection: versions, timestamps, update actions, extensions; all or nothing.

The machinery is the same for all kinds of resources.
"""

from __future__ import annotations

from typing import Any

from sandbox.commercetools.errors import Json, invalid_input, invalid_json
from sandbox.commercetools.extensions import Trigger
from sandbox.commercetools.shapes import copied
from sandbox.commercetools.state import NOTHING_SAID, Action, Collection, Context, Deed, Kind

MAX_ACTIONS = 500
"""Update actions a request (documented limit)."""


def create(collection: Collection, context: Context, draft: Json) -> Json:
    """A new resource from a draft; version 1."""
    draft = copied(draft)
    collection.kind.draft.check(draft)
    return add(
        collection,
        context,
        collection.kind.build(context, {name: value for name, value in draft.items() if value is not None}),
        Deed(from_draft=True),
    )


def add(collection: Collection, context: Context, body: Json, deed: Deed = NOTHING_SAID) -> Json:
    """A new resource with this body, made otherwise than from a draft; version 1."""
    now = collection.project.platform.now()
    resource = {
        "id": collection.project.platform.new_id(),
        "version": 1,
        "createdAt": now,
        "lastModifiedAt": now,
        "createdBy": context.by(),
        "lastModifiedBy": context.by(),
        **body,
    }
    if deed.from_draft:
        _extend(collection, context, "Create", resource)
    if collection.kind.check is not None:
        collection.kind.check(context, resource)
    collection.put(None, resource, deed)
    if collection.kind.created is not None:
        collection.kind.created(context, resource)
    return resource


def insert(collection: Collection, resource: Json) -> Json:
    """A resource just as given (id, version, times), for fixtures; unique values still count."""
    now = collection.project.platform.now()
    whole: Json = {
        "id": collection.project.platform.new_id(),
        "version": 1,
        "createdAt": now,
        "lastModifiedAt": now,
    }
    whole |= copied(resource)
    collection.put(collection.find(id=whole["id"]), whole)
    return whole


def update(collection: Collection, context: Context, resource: Json, version: Any, actions: Any) -> Json:
    """Applies update actions in order, all or none. An update that changes nothing leaves the version as it is
    (inferred)."""
    if not isinstance(version, int) or isinstance(version, bool):
        raise invalid_json("version: Missing required value")
    if not isinstance(actions, list):
        raise invalid_json("actions: Missing required value")
    if len(actions) > MAX_ACTIONS:
        raise invalid_input(f"The update has {len(actions)} actions, at most {MAX_ACTIONS} are allowed.")
    prepared = [_prepared(collection.kind, position, action) for position, action in enumerate(actions)]
    collection.check_version(resource, version)
    changed = copied(resource)
    for action, given in prepared:
        action.apply(context, changed, given)
    if changed != resource:
        _extend(collection, context, "Update", changed)
    if collection.kind.check is not None:
        collection.kind.check(context, changed)
    if changed == resource:
        return resource
    return replace(collection, context, resource, changed, deed=Deed(actions))


def replace(
    collection: Collection,
    context: Context,
    before: Json,
    after: Json,
    *,
    move_time: bool = True,
    deed: Deed = NOTHING_SAID,
) -> Json:
    """Stores a changed copy under the next version, which is one to five higher."""
    after["version"] = before["version"] + collection.project.platform.version_step()
    if move_time:
        after["lastModifiedAt"] = collection.project.platform.now()
        after["lastModifiedBy"] = context.by()
    collection.put(before, after, deed)
    return after


def delete(
    collection: Collection, context: Context, resource: Json, version: int, *, erased: bool = False
) -> Json:
    """Removes a resource; the API keeps no trace of it."""
    collection.check_version(resource, version)
    if collection.kind.kept_while_referenced:
        collection.project.refuse_if_referenced(resource)
    if collection.kind.check_delete is not None:
        collection.kind.check_delete(context, resource)
    collection.put(resource, None, Deed(erased=erased))
    return resource


def _extend(collection: Collection, context: Context, trigger: Trigger, resource: Json) -> None:
    """Asks the project's extensions, one after the other, and applies what they answer to `resource`."""
    for extension in collection.project.extensions:
        answered = extension.called(collection.kind.type_id, trigger, copied(resource))
        for action, given in [
            _prepared(collection.kind, position, one) for position, one in enumerate(answered)
        ]:
            action.apply(context, resource, given)


def _prepared(kind: Kind, position: int, given: Any) -> tuple[Action, Json]:
    where = f"actions[{position}]"
    if not isinstance(given, dict) or not isinstance(given.get("action"), str):
        raise invalid_json(f"{where}.action: Missing required value")
    action = kind.actions.get(given["action"])
    if action is None:
        raise invalid_json(f"{where}.action: unknown action '{given['action']}' for {kind.type_id}")
    body = {name: value for name, value in copied(given).items() if name != "action"}
    action.shape.check(body, where)
    return action, {name: value for name, value in body.items() if value is not None}
