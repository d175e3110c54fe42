"""`XSeriesSales`: the sales of an X-Series store behind `retail_sync.records.ports.orders.TillSales`.

Costs in requests: a walk takes its pages and one empty page; a sale by id or number one; each write one. To prepare
takes one where no sale is used, five where sales are read, and where orders are exported one more for the user, for the
guest and for each service article.

What is not documented, and what is done because of it:

* What `POST /sales` does with an id that is known: legacy versions update the sale, others may refuse it. The caller
  looks for the id first, and a creation is never sent again by itself.
* How refusals look: see `sale_refusals`.
* Whether two writers of a sale are told apart: no version can be sent, so the caller reads the sale right before.

Sales hold who bought: of reads nothing is kept with their exchanges; of writes the shape is, and no words of a refusal,
for it may quote what people at the till have written. What was sent of a new sale is in the audit row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.adapter import EntityAdapter
from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.paging import Row
from retail_sync.lightspeed.x_series.api.references import single_of
from retail_sync.lightspeed.x_series.api.row_shapes import SALE
from retail_sync.lightspeed.x_series.sales import preflight as sale_preflight
from retail_sync.lightspeed.x_series.sales.bodies import body_of_sale
from retail_sync.lightspeed.x_series.sales.feeds import PATH, SaleStream
from retail_sync.lightspeed.x_series.sales.read import sale_of
from retail_sync.lightspeed.x_series.sales.references import read_references
from retail_sync.lightspeed.x_series.sales.store import resolve, told
from retail_sync.records.errors import ConfigurationFault, ProtocolFault, TargetMissing, UnknownOutcome
from retail_sync.records.rows import UnreadableRows, read_rows
from retail_sync.records.sales import Sale, SaleTerms
from retail_sync.settings.models import SyncSettings


class XSeriesSales(EntityAdapter[SaleTerms]):
    """Sales of one store."""

    records = "sales"
    reference_type = SaleTerms
    preflight = sale_preflight.check

    def __init__(self, client: XSeriesClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self._stream = SaleStream(client, settings)

    # ------------------------------------------------------------ reading

    async def prepare(self, *, writing: bool = False) -> None:
        """See the face."""
        found = await read_references(self._client, self._settings)
        terms, problems = resolve(found, self._settings)
        if writing and problems:
            raise ConfigurationFault(
                " ".join(told(problems)),
                system=SYSTEM,
                remedy=" ".join(dict.fromkeys(problem.remedy for problem in problems)),
            )
        self.know(terms)

    @property
    def terms(self) -> SaleTerms:
        return self.known

    @property
    def sales(self) -> SaleStream:
        """Sales by version. Without end: a store's history is read once, later only what moved."""
        return self._stream

    def to_sales(self, rows: Sequence[Mapping[str, Any]]) -> list[Sale]:
        """See the face."""
        digits = self.terms.digits
        return read_rows(
            rows,
            lambda sound: [sale_of(row, digits) for row in sound],
            system=SYSTEM,
            what="sales",
            shape=SALE,
            label="invoice_number",
        )

    async def find(self, sale_id: str) -> Sale | None:
        """See the face."""
        try:
            row = self._stream.noted(await self._stream.read_one(sale_id))
        except TargetMissing:
            return None
        return self._read(row)

    # ------------------------------------------------------------ writing

    async def add(self, change_id: str, sale: Sale) -> tuple[Sale, Sequence[str]]:
        """See the face."""
        answer = await self._client.post(
            PATH, self._body(sale), context={"change": change_id}, withhold="shape"
        )
        return self._answered(answer)

    async def replace(self, change_id: str, sale: Sale) -> tuple[Sale, Sequence[str]]:
        """See the face."""
        answer = await self._client.put(
            f"{PATH}/{sale.id}",
            self._body(sale),
            context={"change": change_id},
            withhold="shape",
            safe=False,
        )
        return self._answered(answer)

    async def start_return(self, change_id: str, sale_id: str) -> tuple[Sale, Sequence[str]]:
        """See the face."""
        answer = await self._client.post(
            f"{PATH}/{sale_id}/actions/return", {}, context={"change": change_id}, withhold="shape"
        )
        return self._answered(answer)

    def _body(self, sale: Sale) -> dict[str, Any]:
        if not self.terms.user_id:
            raise ConfigurationFault(
                "No sale is written without a user who sells.",
                system=SYSTEM,
                remedy="Set `orders.since`, and correct `orders.user`; then run preflight.",
            )
        return body_of_sale(sale, user_id=self.terms.user_id, digits=self.terms.digits)

    def _read(self, row: Row) -> Sale:
        return self.to_sales([row])[0]

    def _answered(self, answer: Body) -> tuple[Sale, Sequence[str]]:
        """What a write came to. An answer that does not show the sale leaves it open, the empty ones too that updates
        of products were seen to bring: UnknownOutcome, so that the caller looks."""
        try:
            row = self._stream.noted(dict(single_of(answer.value, PATH)))
            return self._read(row), [answer.exchange_id]
        except (ProtocolFault, UnreadableRows) as problem:
            raise UnknownOutcome(problem.message, system=SYSTEM, exchange_id=answer.exchange_id) from None
