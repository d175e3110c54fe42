"""The predicate language of `where`: text to syntax tree. What a tree means for documents stands in `matching`.

Documented: `= != <> < > <= >=`, `in`, `not in`, `contains all/any`, `is [not] defined`, `is [not] empty`, `and`,
`or`, `not(...)`, nesting `a(b="x")`, input variables `:name`. Inferred: `and` binds tighter than `or`; a comparison
with a missing field is false, except for `!=`; `variants(...)` leaves the master variant out. `within circle` is not
served.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.commercetools.errors import ApiError, malformed

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


def fields_of(node: Node) -> set[str]:
    """Fields of the document itself (not those inside nested objects) that the predicate speaks of."""
    match node:
        case All(parts) | AnyOf(parts):
            return {field for part in parts for field in fields_of(part)}
        case Not(inner):
            return fields_of(inner)
        case _:
            return {node.field}
