"""One collection of resources: versions, timestamps, unique values, sorted walks, update actions, all or nothing.

Everything that differs between resources stands in a `Kind`; the machinery here is the same for all.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.clock import to_millis
from sandbox.commercetools.errors import (
    ApiError,
    Json,
    concurrent_modification,
    duplicate_field,
    invalid_input,
    invalid_json,
    reference_not_found,
    resource_not_found,
)
from sandbox.commercetools.extensions import Trigger
from sandbox.commercetools.shapes import Shape, copied

if TYPE_CHECKING:
    from sandbox.commercetools.store import Project

MAX_ACTIONS = 500
"""Update actions a request (documented limit)."""

Values = Callable[[Json], Iterable[tuple[str, Any]]]
"""(field name as the error shows it, value) pairs of a resource."""

_encoder = msgspec.json.Encoder()


@dataclass
class Context:
    """Who writes, and into which project."""

    project: Project
    client_id: str = "seed"
    external_user_id: str | None = None

    def by(self) -> Json:
        """The value of `createdBy` and `lastModifiedBy`."""
        who: Json = {"clientId": self.client_id, "isPlatformClient": False}
        if self.external_user_id is not None:
            who["externalUserId"] = self.external_user_id
        return who

    def reference(self, given: Json, type_id: str) -> Json:
        """A stored reference from a resource identifier. Raises `ReferencedResourceNotFound`."""
        if given.get("typeId", type_id) != type_id:
            raise invalid_json(f"typeId: expected {type_id}, got {given['typeId']}")
        collection = self.project.by_type(type_id)
        found = collection.find(id=given.get("id"), key=given.get("key"))
        if found is None:
            raise reference_not_found(type_id, id=given.get("id"), key=given.get("key"))
        return {"typeId": type_id, "id": found["id"]}


@dataclass(frozen=True)
class Deed:
    """What somebody did to a resource, for the messages that tell more of it than before and after do.

    `actions`: update actions, as given. `from_draft`: it was created from a draft. `erased`: it was deleted for good.
    """

    actions: Sequence[Json] = ()
    from_draft: bool = False
    erased: bool = False


NOTHING_SAID = Deed()


@dataclass(frozen=True)
class Action:
    """One update action: what it does to a copy of the resource, and which fields it takes besides `action`."""

    apply: Callable[[Context, Json, Json], None]
    shape: Shape = Shape()


@dataclass(frozen=True)
class Kind:
    """What makes products differ from channels."""

    path: str
    type_id: str
    draft: Shape
    build: Callable[[Context, Json], Json]
    """Body of a new resource (without id, version, timestamps) from a draft that has the right shape."""
    actions: Mapping[str, Action]
    fields: frozenset[str]
    """Names that predicates and sort expressions may use."""
    view_scopes: tuple[str, ...]
    manage_scopes: tuple[str, ...]
    unique: Values = lambda resource: [("key", resource["key"])] if "key" in resource else []
    conflict: Callable[[Json, str, Any], ApiError] | None = None
    """The error for a duplicate value, where it is not `DuplicateField`."""
    check: Callable[[Context, Json], None] | None = None
    """What must hold for the whole resource once all actions are applied."""
    render: Callable[[Project, Json], Json] | None = None
    """The resource as answered, where that differs from what is stored."""
    created: Callable[[Context, Json], None] | None = None
    """Told once a draft has become a resource; fixtures put there whole are not told."""
    changed: Callable[[Project, Json | None, Json | None], None] | None = None
    """Told after each change: before (None: created) and after (None: deleted)."""
    check_delete: Callable[[Context, Json], None] | None = None
    query_view: Callable[[Json], Json] | None = None
    """The document that predicates see, where that differs from what is answered."""
    index: Callable[[Project, str, Any], set[str] | None] = lambda project, path, value: None
    """Ids among which every resource with this value at this path is found; None where there is no such index."""


@dataclass
class Row:
    """A stored resource and what was computed from it, forgotten when it changes."""

    resource: Json
    rendered: dict[str, Json | None] = field(default_factory=dict)
    encoded: dict[str, msgspec.Raw] = field(default_factory=dict)

    def forget(self) -> None:
        self.rendered.clear()
        self.encoded.clear()


class Collection:
    """The resources of one kind in one project."""

    def __init__(self, project: Project, kind: Kind) -> None:
        self.project = project
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self._ids: list[str] = []
        self._times: list[tuple[str, str]] = []
        self._taken: dict[tuple[str, Any], str] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Json]:
        """Stored resources in the order of creation; not to be changed."""
        return (row.resource for row in self.rows.values())

    def find(self, *, id: str | None = None, key: str | None = None) -> Json | None:
        """The stored resource with this id or key."""
        found = id if id is not None else self._taken.get(("key", key))
        row = self.rows.get(found) if found is not None else None
        return row.resource if row is not None else None

    def find_by(self, name: str, value: Any) -> Json | None:
        """The stored resource that holds a unique value, for example `find_by("sku", "A-1")`."""
        found = self._taken.get((name, value))
        return self.rows[found].resource if found is not None else None

    def get(self, *, id: str | None = None, key: str | None = None) -> Json:
        """As `find`; raises `ResourceNotFound`."""
        found = self.find(id=id, key=key)
        if found is None:
            raise resource_not_found(id or key or "")
        return found

    def create(self, context: Context, draft: Json) -> Json:
        """A new resource from a draft; version 1."""
        draft = copied(draft)
        self.kind.draft.check(draft)
        return self.add(
            context,
            self.kind.build(context, {name: value for name, value in draft.items() if value is not None}),
            Deed(from_draft=True),
        )

    def add(self, context: Context, body: Json, deed: Deed = NOTHING_SAID) -> Json:
        """A new resource with this body, made otherwise than from a draft; version 1."""
        now = to_millis(self.project.store.clock.now())
        resource = {
            "id": self.project.store.new_id(),
            "version": 1,
            "createdAt": now,
            "lastModifiedAt": now,
            "createdBy": context.by(),
            "lastModifiedBy": context.by(),
            **body,
        }
        if deed.from_draft:
            self._extend(context, "Create", resource)
        if self.kind.check is not None:
            self.kind.check(context, resource)
        self._put(None, resource, deed)
        if self.kind.created is not None:
            self.kind.created(context, resource)
        return resource

    def insert(self, resource: Json) -> Json:
        """A resource just as given (id, version, times), for fixtures; unique values still count."""
        now = to_millis(self.project.store.clock.now())
        whole: Json = {
            "id": self.project.store.new_id(),
            "version": 1,
            "createdAt": now,
            "lastModifiedAt": now,
        }
        whole |= copied(resource)
        self._put(self.find(id=whole["id"]), whole)
        return whole

    def update(self, context: Context, resource: Json, version: Any, actions: Any) -> Json:
        """Applies update actions in order, all or none. An update that changes nothing leaves the version as it is
        (inferred)."""
        if not isinstance(version, int) or isinstance(version, bool):
            raise invalid_json("version: Missing required value")
        if not isinstance(actions, list):
            raise invalid_json("actions: Missing required value")
        if len(actions) > MAX_ACTIONS:
            raise invalid_input(f"The update has {len(actions)} actions, at most {MAX_ACTIONS} are allowed.")
        prepared = [self._prepared(position, action) for position, action in enumerate(actions)]
        self.check_version(resource, version)
        changed = copied(resource)
        for action, given in prepared:
            action.apply(context, changed, given)
        if changed != resource:
            self._extend(context, "Update", changed)
        if self.kind.check is not None:
            self.kind.check(context, changed)
        if changed == resource:
            return resource
        return self.replace(context, resource, changed, deed=Deed(actions))

    def _extend(self, context: Context, trigger: Trigger, resource: Json) -> None:
        """Asks the project's extensions, one after the other, and applies what they answer to `resource`."""
        for extension in self.project.extensions:
            answered = extension.called(self.kind.type_id, trigger, copied(resource))
            for action, given in [self._prepared(position, one) for position, one in enumerate(answered)]:
                action.apply(context, resource, given)

    def check_version(self, resource: Json, version: int) -> None:
        """Raises `ConcurrentModification` when somebody else wrote in between."""
        if version != resource["version"]:
            raise concurrent_modification(
                version, resource["version"], self.project.store.tell_current_version
            )

    def replace(
        self,
        context: Context,
        before: Json,
        after: Json,
        *,
        move_time: bool = True,
        deed: Deed = NOTHING_SAID,
    ) -> Json:
        """Stores a changed copy under the next version, which is one to five higher."""
        after["version"] = before["version"] + self.project.store.version_step()
        if move_time:
            after["lastModifiedAt"] = to_millis(self.project.store.clock.now())
            after["lastModifiedBy"] = context.by()
        self._put(before, after, deed)
        return after

    def restate(self, id: str, **fields: Any) -> None:
        """Sets what the platform itself says of a resource: no new version, and nobody is told."""
        row = self.rows.get(id)
        if row is not None:
            row.resource = {**row.resource, **fields}
            row.forget()

    def delete(self, context: Context, resource: Json, version: int, *, erased: bool = False) -> Json:
        """Removes a resource; the API keeps no trace of it."""
        self.check_version(resource, version)
        if self.kind.check_delete is not None:
            self.kind.check_delete(context, resource)
        self._put(resource, None, Deed(erased=erased))
        return resource

    def _prepared(self, position: int, given: Any) -> tuple[Action, Json]:
        where = f"actions[{position}]"
        if not isinstance(given, dict) or not isinstance(given.get("action"), str):
            raise invalid_json(f"{where}.action: Missing required value")
        action = self.kind.actions.get(given["action"])
        if action is None:
            raise invalid_json(f"{where}.action: unknown action '{given['action']}' for {self.kind.type_id}")
        body = {name: value for name, value in copied(given).items() if name != "action"}
        action.shape.check(body, where)
        return action, {name: value for name, value in body.items() if value is not None}

    def _put(self, before: Json | None, after: Json | None, deed: Deed = NOTHING_SAID) -> None:
        old = set(self.kind.unique(before)) if before is not None else set()
        new = set(self.kind.unique(after)) if after is not None else set()
        if after is not None:
            self._claim(after, new - old)
        for entry in old - new:
            self._taken.pop(entry, None)
        for entry in new - old:
            self._taken[entry] = after["id"] if after is not None else ""
        if before is not None:
            self._drop_time(before)
        if after is None and before is not None:
            del self.rows[before["id"]]
            del self._ids[bisect_left(self._ids, before["id"])]
        elif after is not None:
            insort(self._times, (after["lastModifiedAt"], after["id"]))
            row = self.rows.get(after["id"])
            if row is None:
                self.rows[after["id"]] = Row(after)
                insort(self._ids, after["id"])
            else:
                row.resource = after
                row.forget()
        # Told first: what else moves by it (a product's availability) is told of after it.
        self.project.tell(self.kind, before, after, deed)
        if self.kind.changed is not None:
            self.kind.changed(self.project, before, after)

    def _claim(self, resource: Json, entries: set[tuple[str, Any]]) -> None:
        for name, value in sorted(entries, key=str):
            holder = self._taken.get((name, value))
            if holder is not None and holder != resource["id"]:
                raise (
                    self.kind.conflict(resource, name, value)
                    if self.kind.conflict
                    else duplicate_field(name, value)
                )

    def _drop_time(self, resource: Json) -> None:
        entry = (resource["lastModifiedAt"], resource["id"])
        position = bisect_left(self._times, entry)
        if position < len(self._times) and self._times[position] == entry:
            del self._times[position]

    def ids_from(self, bound: str | None) -> Iterator[str]:
        """Ids in ascending order, from `bound` on (inclusive)."""
        start = bisect_left(self._ids, bound) if bound is not None else 0
        return iter(self._ids[start:])

    def ids_by_time_from(self, bound: str | None) -> Iterator[str]:
        """Ids in the order of (lastModifiedAt, id), from the time `bound` on (inclusive)."""
        start = bisect_left(self._times, (bound, "")) if bound is not None else 0
        return (id for _, id in self._times[start:])

    def holders(self, name: str, value: Any) -> set[str]:
        """The id that holds a unique value, as a set of one or none."""
        found = self._taken.get((name, value))
        return {found} if found is not None else set()

    def among(self, path: str, value: Any) -> set[str] | None:
        """Ids among which every match of `path = value` is found; None if no index helps."""
        if path == "id":
            return {value} if value in self.rows else set()
        if path == "key":
            return self.holders("key", value)
        return self.kind.index(self.project, path, value)

    def rendered(
        self, row: Row, mode: str, render: Callable[[Project, Json], Json | None] | None
    ) -> Json | None:
        """The resource as a mode shows it, computed once; None where that mode does not show it."""
        if render is None:
            return row.resource
        if mode not in row.rendered:
            row.rendered[mode] = render(self.project, row.resource)
        return row.rendered[mode]

    def encoded(self, row: Row, mode: str, document: Json) -> msgspec.Raw:
        """The document as JSON text, computed once."""
        if mode not in row.encoded:
            row.encoded[mode] = msgspec.Raw(_encoder.encode(document))
        return row.encoded[mode]
