"""What a predicate means: a test on documents, ids from an index, and where a keyset walk may begin."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.clock import to_millis
from sandbox.commercetools.errors import Json
from sandbox.commercetools.predicates import (
    All,
    AnyOf,
    Compare,
    Contains,
    In,
    Is,
    Nested,
    Node,
    Not,
    Value,
)

Test = Callable[[Json], bool]


def compiled(node: Node) -> Test:
    """A function that says whether a document meets the predicate."""
    match node:
        case All(parts):
            tests = [compiled(part) for part in parts]
            return lambda document: all(test(document) for test in tests)
        case AnyOf(parts):
            tests = [compiled(part) for part in parts]
            return lambda document: any(test(document) for test in tests)
        case Not(inner):
            test = compiled(inner)
            return lambda document: not test(document)
        case Nested(field, inner):
            return _nested_test(field, compiled(inner))
        case Is(field, "defined", negated):
            return lambda document: (document.get(field) is not None) != negated
        case Is(field, _, negated):
            return lambda document: (not document.get(field)) != negated
        case In(field, values, negated):
            fits = [_equals(value) for value in values]
            return _in_test(field, values, negated) or (
                lambda document: any(_any_item(document.get(field), fit) for fit in fits) != negated
            )
        case Contains(field, values, every):
            fits = [_equals(value) for value in values]
            join = all if every else any
            return lambda document: join(
                any(fit(item) for item in _items(document.get(field))) for fit in fits
            )
        case Compare(field, operator, value):
            return _compare_test(field, operator, value)
    raise AssertionError(node)


def _nested_test(field: str, test: Test) -> Test:
    def nested(document: Json) -> bool:
        value = document.get(field)
        if isinstance(value, dict):
            return test(value)
        if isinstance(value, list):
            return any(isinstance(item, dict) and test(item) for item in value)
        return False

    return nested


def _in_test(field: str, values: tuple[Value, ...], negated: bool) -> Test | None:
    """The fast way for the usual case, a list of strings that are no times."""
    if not all(isinstance(value.raw, str) and _as_moment(value.raw) is None for value in values):
        return None
    if any(value.loose for value in values):
        return None
    wanted = {value.raw for value in values}

    def among(document: Json) -> bool:
        value = document.get(field)
        found = any(item in wanted for item in value) if isinstance(value, list) else value in wanted
        return found != negated

    return among


def _compare_test(field: str, operator: str, value: Value) -> Test:
    if operator == "=":
        fit = _equals(value)
        return lambda document: _any_item(document.get(field), fit)
    if operator == "!=":
        fit = _equals(value)
        return lambda document: not _any_item(document.get(field), fit)
    fit = _ordered(operator, value)
    return lambda document: _any_item(document.get(field), fit)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _any_item(value: Any, fit: Callable[[Any], bool]) -> bool:
    return any(fit(item) for item in value) if isinstance(value, list) else fit(value)


def _equals(value: Value) -> Callable[[Any], bool]:
    raw, moment = value.raw, _as_moment(value.raw)

    def equals(found: Any) -> bool:
        if isinstance(found, bool):
            return found is raw or (value.loose and raw == str(found).lower())
        if isinstance(found, int | float):
            wanted = _as_number(raw) if value.loose else raw
            return not isinstance(wanted, bool) and bool(found == wanted)
        return bool(found == raw) or (moment is not None and found == moment)

    return equals


def _ordered(operator: str, value: Value) -> Callable[[Any], bool]:
    raw, moment = value.raw, _as_moment(value.raw)
    compare: Callable[[Any, Any], bool] = {
        "<": lambda found, wanted: found < wanted,
        ">": lambda found, wanted: found > wanted,
        "<=": lambda found, wanted: found <= wanted,
        ">=": lambda found, wanted: found >= wanted,
    }[operator]

    def ordered(found: Any) -> bool:
        if isinstance(found, bool) or found is None:
            return False
        if isinstance(found, int | float):
            wanted = _as_number(raw) if value.loose else raw
            return isinstance(wanted, int | float) and compare(found, wanted)
        if isinstance(found, str) and isinstance(raw, str):
            return compare(found, moment if moment is not None and _STORED_MOMENT.fullmatch(found) else raw)
        return False

    return ordered


_STORED_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_GIVEN_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


def _as_moment(raw: Any) -> str | None:
    """The stored form of a time given in any ISO 8601 form; what is finer than a millisecond is cut off."""
    if not isinstance(raw, str) or _GIVEN_MOMENT.fullmatch(raw) is None:
        return None
    try:
        parsed = datetime.fromisoformat(raw)
    except ValueError:
        return None
    return to_millis(parsed) if parsed.tzinfo is not None else None


def _as_number(raw: Any) -> Any:
    try:
        return json.loads(raw)
    except (TypeError, ValueError):
        return raw


def candidates(node: Node, index: Callable[[str, Any], set[str] | None]) -> set[str] | None:
    """Ids among which every match is found, from `index(path, value)`; None if no index helps."""
    return _candidates(node, "", index)


def _candidates(node: Node, prefix: str, index: Callable[[str, Any], set[str] | None]) -> set[str] | None:
    match node:
        case Compare(field, "=", value):
            return index(prefix + field, value.raw)
        case In(field, values, False):
            return _union([index(prefix + field, value.raw) for value in values])
        case Nested(field, inner):
            return _candidates(inner, f"{prefix}{field}.", index)
        case AnyOf(parts):
            return _union([_candidates(part, prefix, index) for part in parts])
        case All(parts):
            known = [found for part in parts if (found := _candidates(part, prefix, index)) is not None]
            return min(known, key=len) if known else None
        case _:
            return None


def _union(found: list[set[str] | None]) -> set[str] | None:
    known = [ids for ids in found if ids is not None]
    return set().union(*known) if len(known) == len(found) else None


def lower_bound(node: Node, field: str) -> str | None:
    """The least text that `field` can have in a match, as far as the predicate tells; None if it tells nothing."""
    match node:
        case Compare(name, operator, value) if name == field and operator in (">", ">=", "="):
            raw = value.raw
            return (_as_moment(raw) or raw) if isinstance(raw, str) else None
        case All(parts):
            return max(
                (bound for part in parts if (bound := lower_bound(part, field)) is not None), default=None
            )
        case AnyOf(parts):
            bounds = [lower_bound(part, field) for part in parts]
            return (
                min((bound for bound in bounds if bound is not None), default=None)
                if None not in bounds
                else None
            )
        case _:
            return None
