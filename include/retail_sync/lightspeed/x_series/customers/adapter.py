"""`XSeriesCustomers`: the customers of an X-Series store behind `retail_sync.records.ports.customers.CustomerSystem`.

Costs in requests: a walk takes its pages and one empty page; a customer by id one; a look-up one for each spelling of
the address and for number and key; a creation or an update one, an anonymisation two.

What is not documented, and what is done because of it:

* Whether a customer code, or an e-mail address, may be given twice. Both are looked up before a creation, and a store
  that refuses a second one is understood.
* How far the search index lags behind: `changed_since` reads the version feed, which does not.
* Whether an update keeps what it leaves out: it is taken to (only `tax_id` is said to). What comes back is compared by
  the engine.
* Whether two writers are told apart: nothing like a version can be sent, so an update that brought no answer is not
  sent again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.adapter import EntityAdapter
from retail_sync.lightspeed.x_series.api.client import Body
from retail_sync.lightspeed.x_series.api.paging import Row
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.api.row_shapes import CUSTOMER
from retail_sync.lightspeed.x_series.customers import preflight as customer_preflight
from retail_sync.lightspeed.x_series.customers.bodies import (
    NAMES_OF_A_CUSTOMER,
    Sent,
    anonymous,
    creation_of,
    sent_of,
)
from retail_sync.lightspeed.x_series.customers.feeds import PATH, SHAPE, CustomerStream
from retail_sync.lightspeed.x_series.customers.fields import EXTERNAL_ID, RECOGNISED_BY
from retail_sync.lightspeed.x_series.customers.groups import Groups, read_groups
from retail_sync.lightspeed.x_series.customers.read import customers_table
from retail_sync.records.customers import CONSENTS
from retail_sync.records.errors import DuplicateInTarget, ProtocolFault, RecordRejected, UnknownOutcome
from retail_sync.records.ports.customers import CustomerWrite, CustomerWritten
from retail_sync.records.rows import UnreadableRows, require


@dataclass(frozen=True)
class CustomerReference:
    """What customers refer to; None where no group syncs."""

    groups: Groups | None


class XSeriesCustomers(CustomerStream, EntityAdapter[CustomerReference]):
    """Customers of one store."""

    records = "customers"
    reference_type = CustomerReference
    preflight = customer_preflight.check

    async def prepare(self, *, writing: bool = False) -> None:
        """Read the customer groups, where they sync. Raises ConfigurationFault where customers are to be written and
        a group of the settings is not there."""
        customers = self._settings.customers
        groups = None
        if "group" in self.places.reads:
            groups = await read_groups(self._client, customers.groups)
            if writing and customers.may_write("group", self.system):
                groups.require_all()
        self.know(CustomerReference(groups))

    @property
    def holds(self) -> frozenset[str]:
        return self.places.holds

    @property
    def writes(self) -> frozenset[str]:
        return self.places.writes

    def to_customers(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return customers_table(rows, self.places, self.known.groups)

    async def write(self, write: CustomerWrite) -> CustomerWritten:
        """See the face. Refuses what the settings do not let be written here: whoever planned it."""
        self._require_owned(write)
        if write.action == "create":
            return await self._create(write)
        if write.action == "update":
            return await self._update(write)
        return await self._remove(write, anonymise=write.action == "anonymise")

    async def _create(self, write: CustomerWrite) -> CustomerWritten:
        sent = creation_of(write.fields, write.key, self.places, self.known.groups)
        body = sent.body()
        try:
            answer = await self._client.post(PATH, body, context=_context(write), withhold=SHAPE)
        except DuplicateInTarget as problem:
            raise _named(problem, body) from None
        row = _row_of(answer)
        if row is None:
            raise UnknownOutcome(
                "The new customer was answered without its id.",
                system=SYSTEM,
                exchange_id=answer.exchange_id,
            )
        return CustomerWritten(str(row["id"]), self.kept(row), [answer.exchange_id], sent.dropped)

    async def _update(self, write: CustomerWrite) -> CustomerWritten:
        customer_id = _target_of(write)
        sent = sent_of(write.fields, self.places, self.known.groups)
        exchanges, row = [], None
        if sent.values:
            answer = await self._put(customer_id, sent, write)
            exchanges.append(answer.exchange_id)
            row = _row_of(answer)
        if row is None:
            # Nothing was left to send, or the answer was empty, as those of products were seen to be.
            row = await self.read_one(customer_id)
            require(row, CUSTOMER, system=SYSTEM, what="customers")
        return CustomerWritten(customer_id, self.kept(row), exchanges, sent.dropped)

    async def _remove(self, write: CustomerWrite, *, anonymise: bool) -> CustomerWritten:
        customer_id = _target_of(write)
        exchanges = []
        if anonymise:
            answer = await self._put(customer_id, anonymous(customer_id, self.places), write)
            exchanges.append(answer.exchange_id)
        answer = await self._client.delete(f"{PATH}/{customer_id}", context=_context(write), withhold=SHAPE)
        return CustomerWritten(customer_id, None, [*exchanges, answer.exchange_id])

    async def _put(self, customer_id: str, sent: Sent, write: CustomerWrite) -> Body:
        body = sent.body()
        try:
            return await self._send(customer_id, body, write)
        except DuplicateInTarget as problem:
            raise _named(problem, body) from None
        except RecordRejected as problem:
            if problem.code != "refused" or all(name in body for name in NAMES_OF_A_CUSTOMER):
                raise
        # The description wants both names in every body: they are sent as they are at this moment.
        standing = await self.read_one(customer_id)
        require(standing, CUSTOMER, system=SYSTEM, what="customers")
        names = {name: standing.get(name) for name in NAMES_OF_A_CUSTOMER}
        return await self._send(customer_id, {**names, **body}, write)

    async def _send(self, customer_id: str, body: Mapping[str, Any], write: CustomerWrite) -> Body:
        return await self._client.put(
            f"{PATH}/{customer_id}", body, context=_context(write), withhold=SHAPE, safe=False
        )

    def _require_owned(self, write: CustomerWrite) -> None:
        wrong = sorted(name for name in write.fields if not self._may_be_written(name, write))
        if write.action == "create" and self.system not in self._settings.customers.create:
            wrong.append("(creation)")
        if wrong:
            raise RecordRejected(
                f"This configuration does not let {', '.join(wrong)} be written at the till.",
                code="not_owned",
                system=SYSTEM,
                remedy="Nothing, if it should stay so; otherwise correct `customers` in the configuration.",
            )

    def _may_be_written(self, name: str, write: CustomerWrite) -> bool:
        customers = self._settings.customers
        if name == EXTERNAL_ID:
            return customers.mark
        if name in CONSENTS:
            return name.removeprefix("consent_") in customers.consents
        if not customers.may_write(name, self.system):
            return False
        owner = customers.owner_of(name)
        if write.action == "create":
            return owner != "none" or name in RECOGNISED_BY
        return owner not in ("none", self.system)


def _target_of(write: CustomerWrite) -> str:
    if not write.target_id:
        raise ValueError(f"{write.action} of a customer needs the id of the target")
    return write.target_id


def _context(write: CustomerWrite) -> dict[str, str]:
    return {"change": write.change_id}


def _row_of(answer: Body) -> Row | None:
    """The customer in an answer; None where it shows none."""
    try:
        row = dict(single_of(answer.value, PATH))
        require(row, CUSTOMER, system=SYSTEM, what="customers")
    except (ProtocolFault, UnreadableRows):
        return None
    return row


def _named(problem: DuplicateInTarget, body: Mapping[str, Any]) -> DuplicateInTarget:
    """The same refusal with the canonical field that is taken: the code, unless another one was named."""
    field = problem.field or ("customer_code" if "customer_code" in body else None)
    problem.field = {"customer_code": "number"}.get(str(field), field)
    return problem
