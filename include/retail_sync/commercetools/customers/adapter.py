"""`CommercetoolsCustomers`: the face of `retail_sync.records.ports.customers.CustomerSystem` for commercetools.

Whatever is asked or told here speaks of people: of every request and answer only the shape is kept with the exchange,
and no error quotes an answer (`retail_sync.transport.withholding`). Rows are cut down to what is mapped before they
leave.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.adapters import CollectionFeed, EntityAdapter
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.queries import Slice, one_of, quoted
from retail_sync.commercetools.api.shapes import CUSTOMER
from retail_sync.commercetools.api.writing import drafting, update_body
from retail_sync.commercetools.customers import preflight as customer_preflight
from retail_sync.commercetools.customers.fields import CustomerPlaces
from retail_sync.commercetools.customers.read import CustomerRows
from retail_sync.commercetools.customers.references import CustomerReferences, read_customer_references
from retail_sync.commercetools.customers.update_actions import CustomerDrafter
from retail_sync.records.customers import clear_table
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    UnknownOutcome,
)
from retail_sync.records.identifiers import is_uuid
from retail_sync.records.ports.customers import CustomerWrite, CustomerWritten
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import RawPage
from retail_sync.records.rows import read_rows, require
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.answer import Answer

CUSTOMERS = "/customers"
_KEY = re.compile(r"[A-Za-z0-9_-]{2,256}")
_UNIQUE = {"customerNumber": "number"}
"""Fields in which the API finds a duplicate, where they are called otherwise here."""


class CommercetoolsCustomers(CollectionFeed, EntityAdapter[CustomerReferences]):
    """Customers of one project."""

    path = CUSTOMERS
    shape = CUSTOMER
    withhold = "shape"

    def __init__(self, client: CommercetoolsClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self._places = CustomerPlaces(settings)

    async def prepare(self, *, writing: bool = False) -> None:
        """Reads the project's languages, and groups, types of custom fields and stores where the settings need them."""
        references = await read_customer_references(self._client, self._places)
        if writing:
            references.require()
        self._prepared = references

    @property
    def holds(self) -> frozenset[str]:
        """What has a member of its own, and what a setting names a custom field for; nothing that is private here."""
        return self._places.holds

    @property
    def writes(self) -> frozenset[str]:
        return self._places.holds

    # ------------------------------------------------------------ reading

    def to_customers(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        mapping = CustomerRows(self._prepared)
        return read_rows(
            rows,
            lambda sound: clear_table(mapping.rows(sound)),
            system=SYSTEM,
            what="customers",
            shape=CUSTOMER,
        )

    def _trimmed(self, row: dict[str, Any]) -> dict[str, Any]:
        return self._places.trimmed(row)

    def search(self, keys: Sequence[str]) -> AsyncIterator[RawPage]:
        """The customers whose id, customer number or key is one of these. Whether the API takes a text for an id that
        can't be one is not documented, so it is not asked."""
        fields = {
            "id": [key for key in keys if is_uuid(key)],
            "customerNumber": [key for key in keys if key],
            "key": [key for key in keys if _KEY.fullmatch(key)],
        }
        tests = [
            one_of(field, batch) for field, known in fields.items() for batch in queries.in_batches(known)
        ]
        return self._found(tests)

    def lookup(self, email: str, number: str, key: str) -> AsyncIterator[RawPage]:
        """`lowercaseEmail` can only be asked for, in small letters; the e-mail itself is compared with its capitals.
        That is a vendor maintainer's word, not the API reference's; preflight tries it."""
        asked = {"lowercaseEmail": email.lower(), "customerNumber": number, "key": key}
        return self._found([f"{field} = {quoted(value)}" for field, value in asked.items() if value])

    async def changed_since(self, cursor: str) -> RawPage | None:
        """None: each write is guarded by the version, and a second customer of an e-mail address, a number or a key is
        refused."""
        return None

    def _found(self, tests: Sequence[str]) -> AsyncIterator[RawPage]:
        return self._pages([self._rows.by_id(test) for test in tests])

    async def _pages(self, walks: Sequence[AsyncIterator[Slice]]) -> AsyncIterator[RawPage]:
        """What fits one of several tests, each customer once."""
        seen: set[str] = set()
        async for page in super()._pages(walks):
            new = [row for row in page.rows if str(row.get("id")) not in seen]
            seen.update(str(row.get("id")) for row in new)
            yield replace(page, rows=new)

    # ------------------------------------------------------------ writing

    async def write(self, write: CustomerWrite) -> CustomerWritten:
        """An anonymised customer is a deleted one whose data are erased: commercetools knows no third state."""
        try:
            if write.action == "create":
                return await self._create(write)
            if write.action == "update":
                return await self._update(write)
            return await self._delete(write)
        except DuplicateInTarget as taken:
            taken.field = _UNIQUE.get(taken.field or "", taken.field)
            raise

    async def _create(self, write: CustomerWrite) -> CustomerWritten:
        with drafting("customer"):
            drafted = self._drafter().create(write)
            assert drafted.draft is not None  # a creation has one
            body = drafted.draft.body()
        answer = await self._post(CUSTOMERS, body, write)
        return self._written(answer, _signed_in(answer), drafted.dropped)

    async def _update(self, write: CustomerWrite) -> CustomerWritten:
        target, version = _target(write)
        drafter = self._drafter()
        exchanges: list[str] = []
        live: dict[str, Any] = {}
        if drafter.needs_live(write):
            looked = await self._get(target)
            with looked.as_described():
                live = looked.json()
                require(live, CUSTOMER, system=SYSTEM, what="customers")
            exchanges.append(looked.exchange_id)
            if int(live["version"]) != version:
                raise StaleTarget(
                    f"Customer {target} is at version {int(live['version'])}, the plan saw {version}.",
                    code="stale",
                    system=SYSTEM,
                    exchange_id=looked.exchange_id,
                )
        with drafting("customer"):
            drafted = drafter.update(write, live)
            body = update_body(version, *drafted.actions) if drafted.actions else None
        if body is None:
            answer = await self._get(target)
        else:
            answer = await self._post(f"{CUSTOMERS}/{target}", body, write)
        return self._written(answer, answer.json(), drafted.dropped, exchanges)

    async def _delete(self, write: CustomerWrite) -> CustomerWritten:
        target, version = _target(write)
        asked: list[tuple[str, str | int | float | bool | None]] = [("version", version)]
        if write.erase or write.action == "anonymise":
            asked.append(("dataErasure", "true"))
        answer = await self._client.delete(
            f"{CUSTOMERS}/{target}", asked, context={"change": write.change_id}, withhold=self.withhold
        )
        return CustomerWritten(target, None, [answer.exchange_id])

    def _drafter(self) -> CustomerDrafter:
        rows = CustomerRows(self._prepared)
        return CustomerDrafter(self._prepared, rows, self._settings.products.price.currency)

    async def _get(self, target: str) -> Answer:
        return await self._client.get(f"{CUSTOMERS}/{target}", withhold=self.withhold)

    async def _post(self, path: str, body: Mapping[str, Any], write: CustomerWrite) -> Answer:
        return await self._client.post(
            path, body, context={"change": write.change_id}, withhold=self.withhold
        )

    def _written(
        self,
        answer: Answer,
        row: Mapping[str, Any],
        dropped: Mapping[str, str],
        before: Sequence[str] = (),
    ) -> CustomerWritten:
        with answer.as_described():
            require(row, CUSTOMER, system=SYSTEM, what="customers")
            return CustomerWritten(
                str(row["id"]), self._places.trimmed(row), [*before, answer.exchange_id], dict(dropped)
            )

    # ------------------------------------------------------------ looking ahead

    async def check(self) -> list[CheckResult]:
        """Preflight of everything customers need online."""
        return await customer_preflight.check(self._client, self._settings)


def _target(write: CustomerWrite) -> tuple[str, int]:
    if write.target_id is None or write.seen_version is None:
        raise RecordRejected(
            "A write to a customer names no id or no version.",
            code="missing",
            system=SYSTEM,
            remedy="Nothing: it is read and planned again.",
        )
    return write.target_id, write.seen_version


def _signed_in(answer: Answer) -> dict[str, Any]:
    """A creation is answered with a CustomerSignInResult, which holds the customer."""
    body = answer.json()
    customer = body.get("customer") if isinstance(body, dict) else None
    if not isinstance(customer, dict) or "id" not in customer:
        raise UnknownOutcome(
            f"{answer.method} {answer.path} answered {answer.status} without a customer.",
            system=SYSTEM,
            status=answer.status,
            exchange_id=answer.exchange_id,
        )
    return customer
