"""Column types of canonical tables, and how a value is brought into the one form in which it may be compared.

A table is a pandas DataFrame. `NA` in any column means *unknown* (the system does not hold or did not send it);
an empty text or an empty list means *known to be empty*. The two are never mixed up: unknown never overwrites.

| type | pandas dtype | value |
| --- | --- | --- |
| `text` | `string` | NFC text, outer white space stripped |
| `identifier` | `string` | exactly as the system spells it; empty where nothing is to be seen (see `identifiers`) |
| `flag` | `boolean` | |
| `money` | `Int64` | integer minor units of the record's currency |
| `decimal` | `string` | plain decimal text without trailing zeros ("12.5"); more digits than a currency has |
| `count` | `Int64` | |
| `list` | `string` | canonical JSON array, order kept |
| `set` | `string` | canonical JSON array, sorted, unique |
| `pairs` | `string` | canonical JSON array of [name, value] pairs, order kept |
| `time` | `datetime64[us, UTC]` | |
| `version` | `Int64` | 64-bit |
| `json` | `string` | canonical JSON of anything; carried, never merged |
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Literal

import pandas as pd

from retail_sync.records.identifiers import Comparison, key_function, matching_key, spelled_as

ColumnType = Literal[
    "text",
    "identifier",
    "flag",
    "money",
    "decimal",
    "count",
    "list",
    "set",
    "pairs",
    "time",
    "version",
    "json",
]

DTYPES: dict[str, str] = {
    "text": "string",
    "identifier": "string",
    "flag": "boolean",
    "money": "Int64",
    "decimal": "string",
    "count": "Int64",
    "list": "string",
    "set": "string",
    "pairs": "string",
    "time": "datetime64[us, UTC]",
    "version": "Int64",
    "json": "string",
}
_AS_JSON = frozenset({"list", "set", "pairs", "json"})


@dataclass(frozen=True)
class Column:
    """One column of a canonical table: `name` (a trailing `.*` stands for a family such as `name.en-GB`), its type,
    what it means, whether the merge looks at it (`merged`) or it only travels along, and how two of its values are
    compared (`compared`, see `comparing`)."""

    name: str
    type: ColumnType
    meaning: str
    merged: bool = True
    compared: Comparison = "exact"


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, unicode kept, decimals as text."""
    return _JSON.encode(value)


def _encode(value: Any) -> Any:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


# Made once: `json.dumps` with arguments makes an encoder for every value.
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_encode)


def decimal_text(value: Decimal | int | str) -> str:
    """Plain text of an exact number: no exponent, no trailing zeros, "0" for zero. Floats are refused."""
    if isinstance(value, float):
        raise TypeError("a float never carries money; parse the number from its text")
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "0", "") else text


def clean_text(value: str) -> str:
    """NFC-normalised text without outer white space, with line ends as \\n."""
    return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()


def identifier(value: str) -> str:
    """The text as it is, by which its system knows it; empty where nobody could see anything of it."""
    return value if matching_key(value) else ""


def comparing(column: Column, *, capitals_count: bool = True) -> Callable[[Any], Any]:
    """The form in which a column's values are compared, whether cells of a table or plain values; what is unknown
    stays so. `capitals_count`: in identifiers."""
    key = key_function(column.compared, capitals_count=capitals_count)

    def of_text(value: Any) -> Any:
        return key(value) if isinstance(value, str) else value

    def of_many(value: Any) -> Any:
        many = _parsed(value)
        if not isinstance(many, (list, tuple)):
            return value
        keys = [of_text(one) for one in many]
        return canonical_json(sorted(set(keys)) if column.type == "set" else keys)

    if column.compared == "exact":
        return lambda value: value
    return of_many if column.type in _AS_JSON else of_text


def same(column: Column, one: Any, other: Any) -> bool:
    """Whether two plain values of a column are one, however each is spelled."""
    key = comparing(column)
    return bool(key(one) == key(other))


def written(column: Column, value: Any, standing: Any = None) -> Any:
    """The plain value that is written where `value` is wanted and `standing` is there: of an identifier nothing that
    nobody sees; codes as the target spells them already. Either is the same as `value` (`same`)."""
    if column.compared == "identifiers" and isinstance(value, str):
        return matching_key(value)
    if column.compared == "codes" and isinstance(value, list):
        return sorted(spelled_as(map(matching_key, value), standing or ()))
    return value


def canonical_value(kind: str, value: Any) -> Any:
    """`value` in the form it is stored and compared in; None where it is unknown.

    Raises ValueError or TypeError where a value can't be of that type.
    """
    return None if _is_unknown(value) else _CANONICAL[kind](value)


def _is_unknown(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


def _whole(value: Any) -> int:
    number = int(value)
    if number != value:
        raise ValueError(f"{value!r} is not a whole number")
    return number


def _utc(value: Any) -> pd.Timestamp:
    stamp = pd.Timestamp(value)
    if stamp.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return stamp.tz_convert("UTC")


def _parsed(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


_CANONICAL: dict[str, Callable[[Any], Any]] = {
    "text": lambda value: clean_text(str(value)),
    "identifier": lambda value: identifier(str(value)),
    "flag": bool,
    "money": _whole,
    "count": _whole,
    "version": _whole,
    "decimal": decimal_text,
    "time": _utc,
    "set": lambda value: canonical_json(sorted(set(_parsed(value)))),
    "list": lambda value: canonical_json(list(_parsed(value))),
    "pairs": lambda value: canonical_json(list(_parsed(value))),
    "json": lambda value: canonical_json(_parsed(value)),
}


def plain_value(kind: str, value: Any) -> Any:
    """A table cell as a JSON-ready Python value (lists parsed, NA as None), as mirror and changes store it."""
    if _is_unknown(value):
        return None
    if kind in _AS_JSON:
        return json.loads(value)
    if kind == "time":
        return pd.Timestamp(value).isoformat()
    if kind in ("money", "count", "version"):
        return int(value)
    if kind == "flag":
        return bool(value)
    return str(value)


def digest(fields: dict[str, Any]) -> str:
    """A short stable fingerprint of a record's known merged fields."""
    return blake2b(canonical_json(fields).encode(), digest_size=16).hexdigest()
