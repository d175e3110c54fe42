"""Queries over a collection: paging, `where`, `sort`, `expand`, `withTotal`, and the fast ways for keyset walks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any

from sandbox.commercetools.errors import Json, malformed
from sandbox.commercetools.matching import Test, candidates, compiled, lower_bound
from sandbox.commercetools.predicates import Node, fields_of, parse
from sandbox.commercetools.state import Collection, Project, Row

DEFAULT_LIMIT = 20
MAX_LIMIT = 500
MAX_OFFSET = 10_000
MAX_TOTAL_WITH_PREDICATE = 10_000
"""`total` of a query with a predicate never says more than this (documented)."""

Render = Callable[[Project, Json], Json | None]
Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SortKey:
    path: tuple[str, ...]
    descending: bool

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Query:
    """The parameters of one request, read and checked."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    with_total: bool = True
    nodes: tuple[Node, ...] = ()
    sort: tuple[SortKey, ...] = ()
    expand: tuple[str, ...] = ()


@dataclass
class Page:
    """One page: documents as JSON text or plain."""

    limit: int
    offset: int
    results: list[Any] = field(default_factory=list)
    total: int | None = None

    def body(self) -> Json:
        counts: Json = {"limit": self.limit, "offset": self.offset, "count": len(self.results)}
        if self.total is not None:
            counts["total"] = self.total
        return {**counts, "results": self.results}


def read_query(parameters: Parameters, fields: frozenset[str]) -> Query:
    """Raises `InvalidInput` for a figure out of range, a bad predicate, or a field that does not exist (inferred)."""
    variables: dict[str, list[str]] = {}
    for name, value in parameters:
        if name.startswith("var."):
            variables.setdefault(name[4:], []).append(value)
    wheres = [value for name, value in parameters if name == "where"]
    nodes = tuple(parse(value, variables) for value in wheres)
    for node in nodes:
        for unknown in sorted(fields_of(node) - fields):
            raise malformed("where", f"The field '{unknown}' does not exist.")
    return Query(
        limit=_figure(parameters, "limit", DEFAULT_LIMIT, MAX_LIMIT),
        offset=_figure(parameters, "offset", 0, MAX_OFFSET),
        with_total=flag(parameters, "withTotal", default=True),
        nodes=nodes,
        sort=tuple(_sort_key(value, fields) for name, value in parameters if name == "sort"),
        expand=tuple(value for name, value in parameters if name == "expand"),
    )


def flag(parameters: Parameters, name: str, *, default: bool) -> bool:
    """A true/false parameter; anything else is refused."""
    for given, value in parameters:
        if given == name:
            if value not in ("true", "false"):
                raise malformed(name, f"'{value}' is neither true nor false.")
            return value == "true"
    return default


def _figure(parameters: Parameters, name: str, default: int, most: int) -> int:
    for given, value in parameters:
        if given == name:
            if not value.isdigit() or int(value) > most:
                raise malformed(name, f"'{value}' is not within 0 and {most}.")
            return int(value)
    return default


def _sort_key(text: str, fields: frozenset[str]) -> SortKey:
    parts = text.split()
    if not 1 <= len(parts) <= 2 or (len(parts) == 2 and parts[1].lower() not in ("asc", "desc")):
        raise malformed("sort", f"'{text}' is not of the form 'field asc' or 'field desc'.")
    path = tuple(parts[0].split("."))
    if path[0] not in fields:
        raise malformed("sort", f"The field '{parts[0]}' does not exist.")
    return SortKey(path, descending=len(parts) == 2 and parts[1].lower() == "desc")


def run_query(collection: Collection, query: Query, mode: str = "", render: Render | None = None) -> Page:
    """The page. `mode` names the view that `render` makes; resources for which it gives None are not part of it."""
    tests = [compiled(node) for node in query.nodes]
    page = Page(query.limit, query.offset)
    matches = _matches(collection, query, tests, mode, render)
    if query.with_total:
        found = list(matches)
        page.total = min(len(found), MAX_TOTAL_WITH_PREDICATE) if query.nodes else len(found)
        chosen: Iterable[tuple[Row, Json]] = found[query.offset : query.offset + query.limit]
    else:
        chosen = _slice(matches, query.offset, query.limit)
    for row, document in chosen:
        if query.expand:
            page.results.append(expanded(collection.project, document, query.expand))
        else:
            page.results.append(collection.encoded(row, mode, document))
    return page


def run_query_on(project: Project, documents: Iterable[Json], query: Query) -> Page:
    """The page over documents that are no resources of their own, such as the products of a selection."""
    tests = [compiled(node) for node in query.nodes]
    found = [document for document in documents if all(test(document) for test in tests)]
    found.sort(key=cmp_to_key(_ordering(query.sort)))
    chosen = found[query.offset : query.offset + query.limit]
    page = Page(query.limit, query.offset, [expanded(project, each, query.expand) for each in chosen])
    page.total = len(found) if query.with_total else None
    return page


def _slice(matches: Iterator[tuple[Row, Json]], offset: int, limit: int) -> Iterator[tuple[Row, Json]]:
    if limit == 0:
        return
    for position, match in enumerate(matches):
        if position >= offset:
            yield match
        if position + 1 >= offset + limit:
            return


def _matches(
    collection: Collection, query: Query, tests: list[Test], mode: str, render: Render | None
) -> Iterator[tuple[Row, Json]]:
    ids, is_sorted = _walk(collection, query)
    found = _tested(collection, ids, tests, mode, render)
    if is_sorted:
        return found
    rank = cmp_to_key(_ordering(query.sort))
    return iter(sorted(found, key=lambda match: rank(match[1])))


def _tested(
    collection: Collection, ids: Iterable[str], tests: list[Test], mode: str, render: Render | None
) -> Iterator[tuple[Row, Json]]:
    view = collection.kind.query_view
    for id in ids:
        row = collection.rows[id]
        document = collection.rendered(row, mode, render)
        if document is None:
            continue
        seen = view(document) if view is not None else document
        if all(test(seen) for test in tests):
            yield row, document


def _walk(collection: Collection, query: Query) -> tuple[Iterable[str], bool]:
    """Ids to test, as few as the indexes allow, and whether they already are in the order asked for."""
    names = [key.name for key in query.sort]
    ascending = not any(key.descending for key in query.sort)
    found = [ids for node in query.nodes if (ids := candidates(node, collection.among)) is not None]
    if found:
        return sorted(min(found, key=len) & collection.rows.keys()), names[:1] == [
            "id"
        ] and ascending or not names
    if names[:1] == ["id"] and ascending:
        return collection.ids_from(_greatest(query.nodes, "id")), True
    if names == ["lastModifiedAt", "id"] and ascending:
        return collection.ids_by_time_from(_greatest(query.nodes, "lastModifiedAt")), True
    return list(collection.rows), not names


def _greatest(nodes: tuple[Node, ...], field: str) -> str | None:
    return max((bound for node in nodes if (bound := lower_bound(node, field)) is not None), default=None)


def _ordering(keys: tuple[SortKey, ...]) -> Callable[[Json, Json], int]:
    """Missing values come last, whichever the direction (inferred)."""

    def compare(left: Json, right: Json) -> int:
        for key in keys:
            one, other = _at(left, key.path), _at(right, key.path)
            if one == other:
                continue
            if one is None or other is None:
                return 1 if one is None else -1
            smaller = one < other if type(one) is type(other) else str(one) < str(other)
            return -1 if smaller != key.descending else 1
        return 0

    return compare


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if isinstance(document, list):
            document = document[0] if document else None
        document = document.get(name) if isinstance(document, dict) else None
    return document


def expanded(project: Project, document: Json, paths: Iterable[str]) -> Json:
    """The document with the references at these paths carrying `obj`. A missing target stays a plain reference, and
    a path that leads nowhere is ignored."""
    for path in paths:
        document = _expand(project, document, path.replace("[*]", "").split("."))
    return document


def _expand(project: Project, value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_expand(project, item, path) for item in value]
    if not isinstance(value, dict):
        return value
    if path and path[0] in value:
        return {**value, path[0]: _expand(project, value[path[0]], path[1:])}
    if "typeId" not in value or "id" not in value:
        return value
    target = value.get("obj") or project.answer(value["typeId"], value["id"])
    if target is None:
        return value
    rest = path[1:] if path[:1] == ["obj"] else path
    return {**value, "obj": _expand(project, target, rest) if rest else target}
