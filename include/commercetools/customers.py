"""`CommercetoolsCustomers`: the face of `include.records.customer_face.CustomerSystem` for commercetools.

Whatever is asked or told here speaks of people: of every request and answer only the shape is kept with the exchange,
and no error quotes an answer (`include.transport.withholding`). Rows are cut down to what is mapped before they leave.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pandas as pd
from pydantic import ValidationError

from include.commercetools import customer_preflight, queries, windows
from include.commercetools.client import CommercetoolsClient
from include.commercetools.connection import SYSTEM
from include.commercetools.customer_actions import CustomerDrafter
from include.commercetools.customer_places import CustomerPlaces
from include.commercetools.customer_references import CustomerReferences, read_customer_references
from include.commercetools.customer_rows import CustomerRows
from include.commercetools.customer_writing import CustomerDraft, CustomerUpdate
from include.commercetools.products import Clock
from include.commercetools.queries import Slice, one_of, quoted
from include.commercetools.shapes import CUSTOMER
from include.records.customer_face import CustomerWrite, CustomerWritten
from include.records.customers import clear_table
from include.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    StaleTarget,
    UnknownOutcome,
)
from include.records.face import Asked, CheckResult, RawPage, SystemName, Window
from include.records.identifiers import is_uuid
from include.records.rows import gated, read_rows, require
from include.settings.models import SyncSettings
from include.transport.answer import Answer
from include.transport.withholding import Withhold

CUSTOMERS = "/customers"
WITHHOLD: Withhold = "shape"
FETCHED_AT_ONCE = 100
_KEY = re.compile(r"[A-Za-z0-9_-]{2,256}")
_UNIQUE = {"customerNumber": "number"}
"""Fields in which the API finds a duplicate, where they are called otherwise here."""


class CommercetoolsCustomers:
    """Customers of one project. `prepare` comes first; the client is opened and closed by the caller.

    `clock`: how the server's time is asked for (see `queries.server_clock`).
    """

    system: SystemName = "commercetools"

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, *, clock: Clock = "custom_object"
    ) -> None:
        self._client = client
        self._settings = settings
        self._limits = settings.limits.commercetools
        self.most_asked = self._limits.most_asked
        self._clock = clock
        self._places = CustomerPlaces(settings)
        self._prepared: CustomerReferences | None = None

    async def server_time(self) -> datetime:
        return await queries.server_clock(self._client, use_object=self._clock == "custom_object")

    async def prepare(self, *, writing: bool = False) -> None:
        """Reads the project's languages, and groups, types of custom fields and stores where the settings need them."""
        references = await read_customer_references(self._client, self._places)
        if writing:
            references.require()
        self._prepared = references

    @property
    def _ready(self) -> CustomerReferences:
        if self._prepared is None:
            raise RuntimeError("`prepare` has to be awaited before customers are read or written.")
        return self._prepared

    @property
    def holds(self) -> frozenset[str]:
        """What has a member of its own, and what a setting names a custom field for; nothing that is private here."""
        return self._places.holds

    @property
    def writes(self) -> frozenset[str]:
        return self._places.holds

    # ------------------------------------------------------------ reading

    def to_customers(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        mapping = CustomerRows(self._ready)
        return read_rows(
            rows,
            lambda sound: clear_table(mapping.rows(sound)),
            system=SYSTEM,
            what="customers",
            shape=CUSTOMER,
        )

    def cursor_at(self, since: datetime, cursor: str) -> str | None:
        return windows.cursor_at(since, cursor)

    async def open_window(self, cursor: str | None, *, full: bool) -> Window:
        """Its upper end is the next cursor."""
        return windows.window_behind(await self.server_time(), self._limits, cursor, full=full)

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        """All by id, with the cursor at the end, or what changed in order of time."""
        walk = queries.in_window(
            self._client,
            CUSTOMERS,
            window,
            page_size=self._limits.page_size,
            position=position,
            withhold=WITHHOLD,
        )
        async for part in walk:
            seen = part.position.partition("|")[0] if window.lower is not None and part.position else None
            yield self._page(part, window.upper if part.last else seen)

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

    def fetch(self, ids: Collection[str]) -> AsyncIterator[RawPage]:
        """These customers as they are now; of a deleted one commercetools shows nothing."""
        wanted = [id for id in ids if id]
        return queries.none_overlooked(wanted, self.ask_together(wanted), self.ask_each)

    async def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[list[dict[str, Any]]]:
        batches = queries.in_batches(ids, FETCHED_AT_ONCE)
        async for page in self._found([one_of("id", batch) for batch in batches]):
            yield page.rows

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """One request for each customer; 404 says that there is none."""
        asked = await queries.asked(self._client, CUSTOMERS, ids, withhold=WITHHOLD)
        return Asked(gated(asked.rows, CUSTOMER, self._places.trimmed), asked.gone)

    def lookup(self, email: str, number: str, key: str) -> AsyncIterator[RawPage]:
        """`lowercaseEmail` can only be asked for, in small letters; the e-mail itself is compared with its capitals.
        That is a vendor maintainer's word, not the API reference's; preflight tries it."""
        asked = {"lowercaseEmail": email.lower(), "customerNumber": number, "key": key}
        return self._found([f"{field} = {quoted(value)}" for field, value in asked.items() if value])

    async def changed_since(self, cursor: str) -> RawPage | None:
        """None: each write is guarded by the version, and a second customer of an e-mail address, a number or a key is
        refused."""
        return None

    async def _found(self, tests: Sequence[str]) -> AsyncIterator[RawPage]:
        """What fits one of the tests, each customer once; one empty page where there is nothing to ask."""
        walks = [
            queries.by_id(
                self._client, CUSTOMERS, page_size=self._limits.page_size, where=[test], withhold=WITHHOLD
            )
            for test in tests
        ]
        seen: set[str] = set()
        async for part in queries.one_after_the_other(walks):
            new = [row for row in part.rows if str(row.get("id")) not in seen]
            seen.update(str(row.get("id")) for row in new)
            yield self._page(replace(part, rows=new), None)
        if not walks:
            yield RawPage([], position="", cursor=None, last=True)

    def _page(self, part: Slice, cursor: str | None) -> RawPage:
        return RawPage(gated(part.rows, CUSTOMER, self._places.trimmed), part.position, cursor, part.last)

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
        try:
            drafted = self._drafter().create(write)
            assert drafted.draft is not None  # a creation has one
            body = CustomerDraft.body(drafted.draft)
        except ValidationError as problem:
            raise _unwritable(problem) from None
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
        try:
            drafted = drafter.update(write, live)
            body = CustomerUpdate(version=version, actions=drafted.actions).body()
        except ValidationError as problem:
            raise _unwritable(problem) from None
        if not drafted.actions:
            answer = await self._get(target)
            return self._written(answer, answer.json(), drafted.dropped, exchanges)
        answer = await self._post(f"{CUSTOMERS}/{target}", body, write)
        return self._written(answer, answer.json(), drafted.dropped, exchanges)

    async def _delete(self, write: CustomerWrite) -> CustomerWritten:
        target, version = _target(write)
        asked: list[tuple[str, str | int | float | bool | None]] = [("version", version)]
        if write.erase or write.action == "anonymise":
            asked.append(("dataErasure", "true"))
        answer = await self._client.delete(
            f"{CUSTOMERS}/{target}", asked, context={"change": write.change_id}, withhold=WITHHOLD
        )
        return CustomerWritten(target, None, [answer.exchange_id])

    def _drafter(self) -> CustomerDrafter:
        rows = CustomerRows(self._ready)
        return CustomerDrafter(self._ready, rows, self._settings.products.price.currency)

    async def _get(self, target: str) -> Answer:
        return await self._client.get(f"{CUSTOMERS}/{target}", withhold=WITHHOLD)

    async def _post(self, path: str, body: Mapping[str, Any], write: CustomerWrite) -> Answer:
        return await self._client.post(path, body, context={"change": write.change_id}, withhold=WITHHOLD)

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


def _unwritable(problem: ValidationError) -> RecordRejected:
    """Which members the API would refuse; their values are personal."""
    places = sorted({".".join(map(str, error["loc"])) for error in problem.errors(include_input=False)})
    return RecordRejected(
        f"The customer can't be written as it is; look at: {', '.join(places[:5])}.",
        code="unwritable",
        system=SYSTEM,
    )
