"""Keyed digests in place of private values: equal where the values are equal, and nothing can be read from them.

The key is made once, kept sealed in the ledger, and known to the tasks alone; without it a digest can't be guessed by
trying names or numbers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import pandas as pd

from retail_sync.records.customers import IDENTITY, column_of, is_private
from retail_sync.records.identifiers import folded_key, key_function
from retail_sync.records.people import email_keys, is_readable, name_words
from retail_sync.records.types import canonical_json, plain_value

MARK = "~"
"""Begins a sealed value."""
_LENGTH = 12
"""Bytes of a digest: among ten million people two alike have odds of 1 to 10^15."""
MADE_UP_NUMBER = re.compile(r"(UNNAMED|\w*[a-zß-ÿ][\w .'-]*)-[A-Z0-9]{4}|(ct|ls)-[0-9a-f]{8}-[0-9a-f-]{27}")
"""A customer code that the till makes up holds the first name (Tony-37YP, UNNAMED-669D in its documentation), and one
that is the key of a creation says nothing. Neither is a number that somebody gave: it is recognised, and otherwise
empty."""


def is_sealed(value: Any) -> bool:
    """Whether a value is a digest."""
    return isinstance(value, str) and value.startswith(MARK)


def shown(value: Any) -> Any:
    """A value as a person may see it: a digest says only that there is something."""
    return "(private)" if is_sealed(value) else value


@dataclass(frozen=True)
class Seal:
    """`key` (16 to 64 bytes) digests; `private` names the fields whose values are replaced (see
    `retail_sync.records.customers.PRIVATE`)."""

    key: bytes = field(repr=False)
    private: Collection[str] = ()

    def digest(self, purpose: str, value: str) -> str:
        """The digest of a text. Texts of different purposes never look alike."""
        kept = blake2b(value.encode(), key=self.key, digest_size=_LENGTH, person=purpose.encode()[:16])
        return MARK + kept.hexdigest()

    def value(self, name: str, value: Any) -> Any:
        """The plain value of a field as it may be kept: sealed if the field is private and the value is not empty."""
        if name == "number" and MADE_UP_NUMBER.fullmatch(str(value)):
            return ""
        if not is_private(name, self.private) or value in (None, "") or value == {}:
            return value
        text = value if isinstance(value, str) else canonical_json(value)
        return self.digest(name, key_function(column_of(name).compared)(text))

    def table(self, clear: pd.DataFrame, people: Sequence[Mapping[str, Any]] | None = None) -> pd.DataFrame:
        """A clear table, sealed: private cells replaced, and the column `tokens`. `people`: its `clear_rows`, where
        they are at hand."""
        people = clear_rows(clear) if people is None else people
        sealed: dict[str, pd.Series] = {}
        own = {column.name for column in IDENTITY}
        for name in clear.columns:
            if name in own or (name != "number" and not is_private(name, self.private)):
                sealed[name] = clear[name]
            else:
                sealed[name] = pd.Series(
                    [self._cell(name, row.get(name)) for row in people], dtype="string", index=clear.index
                )
        sealed["tokens"] = pd.Series(
            [canonical_json(self.tokens(row)) for row in people], dtype="string", index=clear.index
        )
        return pd.DataFrame(sealed, index=clear.index)

    def _cell(self, name: str, value: Any) -> Any:
        kept = self.value(name, value)
        return "{}" if kept == {} else kept

    def tokens(self, person: Mapping[str, Any]) -> dict[str, list[str]]:
        """What a customer (plain clear values) is recognised by (see `retail_sync.records.customers.TOKENS`)."""
        words = name_words(f"{person.get('first_name') or ''} {person.get('last_name') or ''}")
        phones = {str(person[name]) for name in ("phone", "mobile") if is_readable(person.get(name))}
        named = " ".join(sorted(words))
        found: dict[str, Iterable[str]] = {
            "email": email_keys(str(person.get("email") or "")),
            "phones": phones,
            "names": words,
            "full_name": [named] if words else [],
            "phone_names": [f"{phone} {named}" for phone in phones] if words else [],
            "number": _one(person.get("number")),
            "loyalty_id": _one(person.get("loyalty_id")),
        }
        return {
            name: sorted(self.digest(f"token {name}", text) for text in texts)
            for name, texts in found.items()
            if texts
        }


def _one(value: Any) -> list[str]:
    text = "" if value is None else folded_key(str(value))
    return [text] if text else []


def clear_rows(clear: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a clear table as plain values; a cell that is unknown is left out."""
    names = [str(name) for name in clear.columns]
    kinds = [column_of(name).type for name in names]
    columns = [
        [plain_value(kind, cell) for cell in clear[name]] for kind, name in zip(kinds, names, strict=True)
    ]
    return [
        {name: value for name, value in zip(names, row, strict=True) if value is not None}
        for row in zip(*columns, strict=True)
    ]


def tokens_of(cell: Any) -> dict[str, list[str]]:
    """A cell of the column `tokens`."""
    return json.loads(cell) if isinstance(cell, str) else dict(cell or {})
