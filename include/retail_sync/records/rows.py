"""Reading foreign rows so that an odd one costs itself and no other.

`read_rows` is what readers of adapters are made with: all rows at once, column by column, as long as all can be read;
where some can't, it raises `UnreadableRows`, which names each of them, the field and why. `read_apart` is what the
engine calls: the rows that can be read, mapped, and the others by name, to be held.

What can't be read is never guessed, and never quoted: the texts say which field and what was expected there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from retail_sync.records.checks import LONGEST_IDENTIFIER, Shape, faults
from retail_sync.records.errors import ProtocolFault, RecordRejected
from retail_sync.records.odd import reason_of

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = Mapping[str, Any]

CODE = "unreadable"
_MEMBER = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
"""Names of members that may be told; one of a free object may be anything."""
NO_OBJECT = "it is no object"
_NOT_READABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What reading raises for a value of another kind than expected. Errors of ours are none of these."""


class BadField(ValueError):
    """A field that can't be read; the text says why and quotes nothing of it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True)
class UnreadableRow:
    """A row that can't be read. `id`: empty where it shows none. `version`: None where it shows none. `field`: the
    first place that is at fault, empty where the whole row is. `label`: the number of a document, where it shows it."""

    id: str
    version: int | None
    field: str
    why: str
    label: str = ""

    def __str__(self) -> str:
        return f"{self.field} {self.why}" if self.field else self.why


class UnreadableRows(RecordRejected):
    """Some of the rows can't be read; `rows` says which, by their position."""

    default_remedy = "Correct the value in its source system; the record is read again when it changes."

    def __init__(self, message: str, *, rows: Mapping[int, UnreadableRow], **context: Any) -> None:
        super().__init__(message, code=CODE, **context)
        self.rows = dict(rows)


def read_rows(
    rows: Sequence[Row],
    read: Callable[[Sequence[Row]], T],
    *,
    system: str,
    what: str,
    shape: Shape | None = None,
    key: Callable[[Row], Any] = lambda row: row.get("id"),
    label: str | None = None,
) -> T:
    """`read` of all rows. Raises UnreadableRows where some have not this `shape`, or can't be read for another reason.

    `key`: where a row says which one it is. `label`: the member that holds the number of a document. Raises
    ProtocolFault where rows can be read alone, but not together.
    """
    bad = {n: why for n, row in enumerate(rows) if (why := _shapeless(row, shape)) is not None}
    if not bad:
        try:
            return read(rows)
        except _NOT_READABLE:
            bad = _found(rows, read)
            if not bad:
                raise ProtocolFault(
                    f"{len(rows)} rows of {what} can be read one by one, but not together.", system=system
                ) from None
    named = {n: _named(rows[n], key, label, field, why) for n, (field, why) in bad.items()}
    first = next(iter(named.values()))
    raise UnreadableRows(
        f"{len(named)} of {len(rows)} rows of {what} can't be read; the first: {first}.",
        rows=named,
        system=system,
    )


def read_apart(rows: Sequence[Row], read: Callable[[Sequence[Row]], T]) -> tuple[T, list[UnreadableRow]]:
    """What `read` makes of the rows that can be read, and the others."""
    held: list[UnreadableRow] = []
    left = list(rows)
    while True:
        try:
            return read(left), held
        except UnreadableRows as told:
            held += told.rows.values()
            left = [row for n, row in enumerate(left) if n not in told.rows]
            for one in told.rows.values():
                log.warning("%s: a row can't be read: %s (%s)", told.system, one, one.id or "it names no id")


def gated(
    rows: Sequence[Any], shape: Shape | None = None, trimmed: Callable[[Any], dict[str, Any]] = dict
) -> list[dict[str, Any]]:
    """The rows of a page as they may leave a walk: each as `trimmed` cuts it down, and in the place of one that has
    not this `shape` only which one it is and why it can't be read. Whoever maps it is told so (`read_rows`)."""
    kept = []
    for row in rows:
        fault = _shapeless(row, shape)
        if fault is None:
            try:
                kept.append(trimmed(row))
                continue
            except _NOT_READABLE as problem:
                fault = _why(row, problem)
        kept.append(_stub(row, *fault))
    return kept


def require(row: Any, shape: Shape, *, system: str, what: str) -> None:
    """Raises UnreadableRows where a single row has not this shape."""
    read_rows([row], lambda rows: None, system=system, what=what, shape=shape)


def is_stub(row: Mapping[str, Any]) -> bool:
    """Whether a row only stands for one that can't be read."""
    return UNREAD in row


def readable(rows: Sequence[T]) -> list[T]:
    """The rows that do not stand for others."""
    return [row for row in rows if isinstance(row, Mapping) and UNREAD not in row]


def unread_ids(rows: Sequence[Mapping[str, Any]]) -> set[str | None]:
    """Which records the rows are of that can't be read, by their ids and those of the products they belong to; None
    stands for those that show neither."""
    found: set[str | None] = set()
    for row in filter(is_stub, rows):
        ids = {str(row[name]) for name in ("id", "product_id") if row.get(name)}
        found |= ids or {None}
    return found


UNREAD = "$unread"
_IDENTITY = ("id", "version", "orderNumber", "invoice_number", "lastModifiedAt", "product_id", "outlet_id")
"""Members that say which row it is, where they are plain."""


def _stub(row: Any, field: str, why: str) -> dict[str, Any]:
    kept: dict[str, Any] = {UNREAD: f"{field}: {why}"}
    if isinstance(row, Mapping):
        kept |= {name: row[name] for name in _IDENTITY if _is_plain(row.get(name))}
    return kept


def _shapeless(row: Any, shape: Shape | None) -> tuple[str, str] | None:
    if not isinstance(row, Mapping):
        return "", NO_OBJECT
    told = row.get(UNREAD) or (faults(row, shape) if shape else None)
    if told is None:
        return None
    field, _, why = str(told)[:LONGEST_IDENTIFIER].partition(": ")
    return field, why or "it can't be read"


def _found(rows: Sequence[Row], read: Callable[[Sequence[Row]], Any]) -> dict[int, tuple[str, str]]:
    """The rows that can't be read, found by halves: of a page of 500 with one of them, some twenty readings."""
    bad: dict[int, tuple[str, str]] = {}
    open_parts = [range(len(rows))]
    while open_parts:
        part = open_parts.pop()
        try:
            read([rows[n] for n in part])
        except _NOT_READABLE as problem:
            if len(part) == 1:
                bad[part[0]] = _why(rows[part[0]], problem)
            else:
                middle = len(part) // 2
                open_parts += [part[:middle], part[middle:]]
    return dict(sorted(bad.items()))


def _why(row: Row, problem: BaseException) -> tuple[str, str]:
    """Field and reason, of which no word is the sender's."""
    if isinstance(problem, BadField):
        return problem.field, problem.why
    if isinstance(problem, ValidationError):
        first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
        loc = list(first["loc"])
        while loc and isinstance(loc[0], int):  # the position in the list that was read
            loc = loc[1:]
        return place(loc), _reason_at(row, loc) or _KINDS.get(first["type"], "is not what the API describes")
    return "", f"it can't be read ({type(problem).__name__})"


def place(loc: Iterable[Any]) -> str:
    """A place in a row as it may be told: names of members that anybody could have made up are left out."""
    return ".".join(part if _MEMBER.fullmatch(part := str(name)) else "*" for name in loc)


def _reason_at(row: Any, loc: Sequence[Any]) -> str | None:
    value = row
    for part in loc:
        try:
            value = value[part]
        except (LookupError, TypeError):
            return None
    reason = reason_of(value)
    return f"is {reason}" if reason else None


_KINDS = {
    "missing": "is missing",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing_size": "is too large",
    "less_than_equal": "is too large",
    "greater_than_equal": "is too small",
    "string_type": "is not a text",
    "string_too_long": "is too long",
    "bool_type": "is not true or false",
    "bool_parsing": "is not true or false",
    "decimal_type": "is not a number",
    "decimal_parsing": "is not a number",
    "dict_type": "is not an object",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "list_type": "is not a list",
}


def _named(row: Any, key: Callable[[Row], Any], label: str | None, field: str, why: str) -> UnreadableRow:
    members: Row = row if isinstance(row, Mapping) else {}
    shown, version, number = key(members), members.get("version"), members.get(label) if label else None
    return UnreadableRow(
        id=str(shown) if _is_plain(shown) else "",
        version=version if isinstance(version, int) and _is_plain(version) else None,
        field=field,
        why=why,
        label=str(number) if _is_plain(number) else "",
    )


def _is_plain(value: Any) -> bool:
    """Whether a value can stand as the id or version of a row in a table, a log and an address."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < 2**63
    return isinstance(value, str) and 0 < len(value) <= 100 and value.isascii() and value.isprintable()
