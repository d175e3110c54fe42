"""The predicate language of `where`: text to syntax tree, tree to a test on documents, tree to index look-ups.

Documented: `= != <> < > <= >=`, `in`, `not in`, `contains all/any`, `is [not] defined`, `is [not] empty`, `and`,
`or`, `not(...)`, nesting `a(b="x")`, input variables `:name`. Inferred: `and` binds tighter than `or`; a comparison
with a missing field is false, except for `!=`; `variants(...)` leaves the master variant out. `within circle` is not
served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.sandbox.clock import to_millis
from include.sandbox.commercetools.errors import ApiError, Json, malformed

Test = Callable[[Json], bool]
Variables = Mapping[str, Sequence[str]]
"""Values of `var.<name>` query parameters; one given several times is a list."""


@dataclass(frozen=True)
class Value:
    """A literal. `loose`: it came as text in a variable, its type is the field's."""

    raw: Any
    loose: bool = False


@dataclass(frozen=True)
class Compare:
    field: str
    operator: str
    value: Value


@dataclass(frozen=True)
class In:
    field: str
    values: tuple[Value, ...]
    negated: bool


@dataclass(frozen=True)
class Contains:
    field: str
    values: tuple[Value, ...]
    every: bool


@dataclass(frozen=True)
class Is:
    field: str
    what: str
    negated: bool


@dataclass(frozen=True)
class Nested:
    field: str
    inner: Node


@dataclass(frozen=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class AnyOf:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    inner: Node


Node = Compare | In | Contains | Is | Nested | All | AnyOf | Not

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<quoted>`[^`]+`)
    | (?P<variable>:[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<word>[A-Za-z_][A-Za-z0-9_-]*)
    | (?P<operator><>|!=|<=|>=|=|<|>)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_COMPARISONS = frozenset({"=", "!=", "<>", "<", ">", "<=", ">="})


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(source: str) -> list[_Token]:
    found, at = [], 0
    end = len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            raise malformed(
                "where", f"Syntax error while parsing 'where': unexpected input at position {at + 1}."
            )
        kind = match.lastgroup or ""
        found.append(_Token(kind, match.group(kind), match.start(kind)))
        at = match.end()
    return found


class _Parser:
    def __init__(self, source: str, variables: Variables) -> None:
        self._tokens = _tokens(source)
        self._position = 0
        self._variables = variables

    def parse(self) -> Node:
        node = self._any_of()
        if self._position < len(self._tokens):
            raise self._unexpected()
        return node

    def _peek(self) -> _Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _take(self) -> _Token:
        token = self._peek()
        if token is None:
            raise malformed("where", "Syntax error while parsing 'where': unexpected end of input.")
        self._position += 1
        return token

    def _unexpected(self) -> ApiError:
        token = self._peek()
        if token is None:
            return malformed("where", "Syntax error while parsing 'where': unexpected end of input.")
        return malformed(
            "where", f"Syntax error while parsing 'where': unexpected {token.text!r} at {token.at + 1}."
        )

    def _word(self, *words: str) -> bool:
        token = self._peek()
        if token is not None and token.kind == "word" and token.text.lower() in words:
            self._position += 1
            return True
        return False

    def _mark(self, mark: str) -> bool:
        token = self._peek()
        if token is not None and token.kind == "mark" and token.text == mark:
            self._position += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._mark(mark):
            raise self._unexpected()

    def _any_of(self) -> Node:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Node:
        parts = [self._single()]
        while self._word("and"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _single(self) -> Node:
        if self._mark("("):
            inner = self._any_of()
            self._expect(")")
            return inner
        start = self._position
        if self._word("not"):
            if self._mark("("):
                inner = self._any_of()
                self._expect(")")
                return Not(inner)
            self._position = start
            raise self._unexpected()
        return self._about(self._field())

    def _field(self) -> str:
        token = self._take()
        if token.kind == "quoted":
            return token.text[1:-1]
        if token.kind != "word":
            self._position -= 1
            raise self._unexpected()
        return token.text

    def _about(self, field: str) -> Node:
        if self._mark("("):
            inner = self._any_of()
            self._expect(")")
            return Nested(field, inner)
        token = self._peek()
        if token is not None and token.kind == "operator" and token.text in _COMPARISONS:
            self._position += 1
            return Compare(field, "!=" if token.text == "<>" else token.text, self._value())
        if self._word("is"):
            negated = self._word("not")
            if self._word("defined"):
                return Is(field, "defined", negated)
            if self._word("empty"):
                return Is(field, "empty", negated)
            raise self._unexpected()
        if self._word("contains"):
            every = self._word("all")
            if not every and not self._word("any"):
                raise self._unexpected()
            return Contains(field, self._values(), every)
        negated = self._word("not")
        if self._word("in"):
            return In(field, self._values(), negated)
        raise self._unexpected()

    def _value(self) -> Value:
        values = self._literal()
        if len(values) != 1:
            raise malformed("where", "a list stands where a single value is expected.")
        return values[0]

    def _values(self) -> tuple[Value, ...]:
        if not self._mark("("):
            return tuple(self._literal())
        values = self._literal()
        while self._mark(","):
            values += self._literal()
        self._expect(")")
        return tuple(values)

    def _literal(self) -> list[Value]:
        token = self._take()
        if token.kind == "text":
            return [Value(_unquoted(token.text))]
        if token.kind == "number":
            return [Value(json.loads(token.text))]
        if token.kind == "word" and token.text.lower() in ("true", "false"):
            return [Value(token.text.lower() == "true")]
        if token.kind == "variable":
            name = token.text[1:]
            if name not in self._variables:
                raise malformed("where", f"Missing parameter value for 'var.{name}'.")
            return [Value(value, loose=True) for value in self._variables[name]]
        self._position -= 1
        raise self._unexpected()


def _unquoted(text: str) -> str:
    return re.sub(
        r"\\(.)", lambda match: {"n": "\n", "t": "\t", "r": "\r"}.get(match[1], match[1]), text[1:-1]
    )


def parse(source: str, variables: Variables | None = None) -> Node:
    """The syntax tree of one predicate. Raises `InvalidInput` on a syntax error or a variable without a value."""
    if not source.strip():
        raise malformed("where", "the predicate is empty.")
    return _Parser(source, variables or {}).parse()


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


def fields_of(node: Node) -> set[str]:
    """Fields of the document itself (not those inside nested objects) that the predicate speaks of."""
    match node:
        case All(parts) | AnyOf(parts):
            return {field for part in parts for field in fields_of(part)}
        case Not(inner):
            return fields_of(inner)
        case _:
            return {node.field}


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
