"""`CommercetoolsOrders`: the face of `retail_sync.records.ports.orders.OnlineOrders` for commercetools."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

from pydantic import Field

from retail_sync.commercetools.api.adapters import StagedAdapter
from retail_sync.commercetools.api.channels import Channels
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.queries import moment, quoted
from retail_sync.commercetools.api.references import read_channels
from retail_sync.commercetools.api.shapes import ORDER
from retail_sync.commercetools.api.wire import Reference, Whole, Wire
from retail_sync.commercetools.api.writing import (
    ChannelReference,
    CustomObjectDraft,
    UpdateAction,
    drafting,
    update_body,
)
from retail_sync.commercetools.orders import preflight as order_preflight
from retail_sync.commercetools.orders.drafts import order_action
from retail_sync.commercetools.orders.feeds import PATH, OrderDocuments
from retail_sync.commercetools.orders.imports import import_of, keeps_taxes
from retail_sync.commercetools.orders.read import document_of
from retail_sync.commercetools.orders.redact import EmailToken
from retail_sync.records.errors import ConfigurationFault, TargetMissing
from retail_sync.records.orders import Order
from retail_sync.records.ports.orders import ImportedSale, OrderUpdate, Written
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.products import RawPage
from retail_sync.records.rows import read_rows
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.answer import Answer

log = logging.getLogger(__name__)
PAID = "Paid"


class _Sync(Wire):
    channel: Reference


class _Stored(Wire):
    """Of an order, the more of which no error is to quote."""

    id: str
    version: Whole
    orderState: str = ""
    paymentState: str | None = None
    completedAt: str | None = None
    syncInfo: list[_Sync] = Field(default_factory=list)


class CommercetoolsOrders(StagedAdapter[Channels]):
    """Orders of one project. `email_token`: see `OrderDocuments`."""

    kind = Channels

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, email_token: EmailToken | None = None
    ) -> None:
        super().__init__(client, settings)
        self.orders = OrderDocuments(client, settings, email_token)

    async def prepare(self, *, writing: bool = False) -> None:
        """Reads the channels; before writing, sees to it that the channel of marks may mark what is written."""
        channels = Channels.of(await read_channels(self._client))
        if writing:
            for role in order_preflight.roles_of_marks(self._settings):
                _require(channels, self._mark, role)
        self._prepared = channels

    # ------------------------------------------------------------ reading

    def to_orders(self, rows: Sequence[Mapping[str, Any]]) -> list[Order]:
        """See the face."""
        channels, locale = self._prepared.keys, self._settings.shop.till_locale
        return read_rows(
            rows,
            lambda sound: [document_of(row, channels, locale, self._mark) for row in sound],
            system=SYSTEM,
            what="orders",
            shape=ORDER,
            label="orderNumber",
        )

    def fetch(self, ids: Collection[str], /) -> AsyncIterator[RawPage]:
        """See the face."""
        return self.orders.fetch(ids)

    # ------------------------------------------------------------ writing

    async def update(self, update: OrderUpdate) -> Written:
        """See the face. All in one request, so that the version moves once."""
        actions: list[UpdateAction] = []
        if update.external_id is not None:
            at = moment(update.marked_at) if update.marked_at else None
            actions.append(self._marking(update.external_id, at))
        if update.state is not None:
            actions.append(order_action("changeOrderState", orderState=update.state))
        if update.shipment_state is not None:
            actions.append(order_action("changeShipmentState", shipmentState=update.shipment_state))
        return _written(await self._post(update.order_id, update.seen_version, actions, update.change_id))

    async def find_imported(self, number: str) -> Written | None:
        """See the face. One of ours that lacks its mark is given it: whoever imported it did not get that far, and an
        order without a mark counts as goods that are still to leave the stock."""
        found = await self._numbered(number)
        if found is None:
            return None
        if not number.startswith(self._settings.sales.prefix) or self._is_marked(found):
            return Written(found.id, found.version)
        answer = await self._mark_imported(found, number, found.completedAt)
        return _written(answer)

    async def import_sale(self, change_id: str, sale: ImportedSale) -> Written:
        """See the face. The mark is a request of its own; where it fails, `find_imported` makes up for it. Raises
        ConfigurationFault, before anything is sent, where the channel of marks lacks its role."""
        for role in order_preflight.roles_of_marks(self._settings):
            _require(self._prepared, self._mark, role)
        with drafting("order of a sale"):
            draft = import_of(sale, self._settings)
        answer = await self._client.post(
            f"{PATH}/import", draft.body(), context={"change": change_id}, withhold="shape"
        )
        made = _stored(answer)
        with answer.as_described():
            kept = keeps_taxes(draft, answer.json())
        if not kept:
            log.warning(
                "Order %s was imported, and commercetools derived the taxes of its lines from their rates: they may "
                "be a cent off those of the sale. The project does not know the member `taxedPrice` of lines; set "
                "`sales.line_taxes: derived` to send it no more.",
                sale.number,
            )
        marked = await self._mark_imported(made, sale.number, moment(sale.completed_at), change_id)
        return Written(made.id, _written(marked).version, [answer.exchange_id, marked.exchange_id])

    async def _mark_imported(
        self, order: _Stored, number: str, at: str | None, change_id: str | None = None
    ) -> Answer:
        return await self._post(order.id, order.version, [self._marking(number, at)], change_id)

    async def _post(
        self, order_id: str, version: int, actions: Sequence[UpdateAction], change_id: str | None
    ) -> Answer:
        return await self._client.post(
            f"{PATH}/{order_id}",
            update_body(version, *actions),
            context={"change": change_id} if change_id else None,
            withhold="shape",
        )

    def _is_marked(self, order: _Stored) -> bool:
        channel = self._prepared.id_of(self._mark)
        return any(one.channel.id == channel for one in order.syncInfo)

    async def close_imported(self, change_id: str, number: str, *, cancelled: bool) -> Written:
        """See the face."""
        state = "Cancelled" if cancelled else "Complete"
        found = await self._imported(number)
        if found.orderState == state:
            return Written(found.id, found.version)
        return await self._change_imported(change_id, found, "changeOrderState", orderState=state)

    async def pay_imported(self, change_id: str, number: str) -> Written:
        """See the face."""
        found = await self._imported(number)
        if found.paymentState == PAID:
            return Written(found.id, found.version)
        return await self._change_imported(change_id, found, "changePaymentState", paymentState=PAID)

    async def _imported(self, number: str) -> _Stored:
        found = await self._numbered(number)
        if found is None:
            raise TargetMissing(f"There is no order {number} any more.", system=SYSTEM)
        return found

    async def _change_imported(self, change_id: str, order: _Stored, action: str, **state: str) -> Written:
        return _written(await self._post(order.id, order.version, [order_action(action, **state)], change_id))

    async def put_entry(self, change_id: str, key: str, value: Mapping[str, Any]) -> Written:
        """See the face."""
        with drafting("entry of a sale"):
            draft = CustomObjectDraft(container=self._settings.sales.container, key=key, value=dict(value))
        answer = await self._client.post(
            "/custom-objects", draft.body(), safe=True, context={"change": change_id}, withhold="shape"
        )
        return _written(answer)

    async def check(self) -> list[CheckResult]:
        """Preflight of everything orders and in-store sales need online."""
        return await order_preflight.check(self._client, self._settings)

    async def _numbered(self, number: str) -> _Stored | None:
        where = [("where", f"orderNumber = {quoted(number)}")]
        rows, _ = await self._client.page(PATH, where, 1, withhold=True)
        if not rows:
            return None
        read: list[_Stored] = read_rows(
            rows[:1],
            lambda sound: [_Stored.model_validate(row) for row in sound],
            system=SYSTEM,
            what="orders",
        )
        return read[0]

    def _marking(self, external_id: str, at: str | None) -> UpdateAction:
        channel = ChannelReference(key=self._mark)
        return order_action("updateSyncInfo", channel=channel, externalId=external_id, syncedAt=at)

    @property
    def _mark(self) -> str:
        return self._settings.inventory.export_channel


def _require(channels: Channels, key: str, role: str) -> None:
    if channels.has_role(key, role):
        return
    problem = f"has no role {role}" if key in channels.by_key else "does not exist"
    raise ConfigurationFault(
        f"The channel {key}, with which orders are marked, {problem}.",
        system=SYSTEM,
        remedy=f"Create it in commercetools with the role {role}, or name another one in `inventory.export_channel`.",
    )


def _written(answer: Answer) -> Written:
    stored = _stored(answer)
    return Written(stored.id, stored.version, [answer.exchange_id])


def _stored(answer: Answer) -> _Stored:
    with answer.as_described():
        return _Stored.model_validate(answer.json())
