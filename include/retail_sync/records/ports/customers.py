"""The face both adapters show for customers, and the messages that cross it.

What crosses it is clear: it holds names and addresses. It lives in the memory of one task; whoever stages, mirrors or
logs seals it first (`retail_sync.records.sealing`). Both systems answer to one face, because either may be written.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import pandas as pd

from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import Asked, RawPage, Stream, SystemName


@dataclass(frozen=True)
class CustomerWrite:
    """One customer to be created, updated, anonymised or deleted.

    `fields`: clear plain values to set, all known ones for `create` (see `retail_sync.records.customers`);
    `external_id` among them is the partner's id. `standing`: the target as it was read a moment ago, clear ({} for
    `create`); `carry` is its own. `key`: the name under which a creation is found again, made from the source's id
    before the first attempt. `erase`: with `delete`, the target is asked to erase personal data as well."""

    change_id: str
    action: Literal["create", "update", "anonymise", "delete"]
    key: str
    fields: Mapping[str, Any] = field(repr=False)
    target_id: str | None = None
    seen_version: int | None = None
    standing: Mapping[str, Any] = field(default_factory=dict, repr=False)
    carry: Mapping[str, Any] = field(default_factory=dict)
    erase: bool = False


@dataclass(frozen=True)
class CustomerWritten:
    """What a write came to. `row`: the customer as the system answered, a wire row for `to_customers`; None where it
    answered nothing (a deletion). `dropped`: fields the system could not hold, and why."""

    customer_id: str
    row: Mapping[str, Any] | None = field(repr=False)
    exchange_ids: Sequence[str] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)


class CustomerSystem(Stream, Protocol):
    """A system that holds customers. `most_asked`, `ask_together` and `ask_each` are those of
    `retail_sync.records.ports.products.Askable`, with wire rows. `search` takes ids and customer numbers, never e-mail
    addresses."""

    system: SystemName

    @property
    def most_asked(self) -> int: ...

    def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[list[dict[str, Any]]]: ...

    async def ask_each(self, ids: Sequence[str], /) -> Asked: ...

    async def prepare(self, *, writing: bool = False) -> None:
        """Read what the mapping needs: groups, types of custom fields, stores. Raises ConfigurationFault where the
        settings name what is not there, and `writing` needs it."""

    @property
    def holds(self) -> frozenset[str]:
        """Canonical fields this system has a place for, as it is configured."""

    @property
    def writes(self) -> frozenset[str]:
        """Those of `holds` that can be written at all (a loyalty balance is only read)."""

    def to_customers(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Wire rows -> a clear table (`clear_table`); needs `prepare` first."""

    def fetch(self, ids: Collection[str], /) -> AsyncIterator[RawPage]:
        """These customers as they are now, deleted ones too where the system still shows them. Who is not among them
        was asked for by the own id, and is gone."""

    def lookup(self, email: str, number: str, key: str) -> AsyncIterator[RawPage]:
        """Customers that bear this e-mail address (in any capitals), this number or the key of a creation now; empty
        texts are not asked for. What was written a moment ago may be missing where the system searches an index."""

    async def changed_since(self, cursor: str) -> RawPage | None:
        """Customers that changed after `cursor`, with the cursor to ask from next time; None where the system refuses
        a second customer of the same identity by itself."""

    async def write(self, write: CustomerWrite) -> CustomerWritten:
        """Raises StaleTarget where the version moved on, DuplicateInTarget where the identity is taken,
        TargetMissing, RecordRejected, and UnknownOutcome where no answer came. No text of an error holds personal
        data."""

    async def check(self) -> list[CheckResult]:
        """Preflight: scopes, groups, custom fields, addresses, what is unique."""
