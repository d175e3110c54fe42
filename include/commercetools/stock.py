"""`CommercetoolsStock`: the face of `include.records.stock_face.OnlineStock` for commercetools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from re import fullmatch
from typing import Any

import pandas as pd

from include.commercetools import queries, stock_preflight
from include.commercetools.client import CommercetoolsClient
from include.commercetools.connection import SYSTEM
from include.commercetools.products import Clock
from include.commercetools.references import read_channels
from include.commercetools.stock_channels import Channels, shown_channels, with_supply
from include.commercetools.stock_offers import read_assortments
from include.commercetools.stock_rows import entries_table, orders_table, trimmed_entry
from include.commercetools.stock_streams import EntryStream, OrderStream
from include.commercetools.writing import (
    ChangeQuantity,
    ChannelReference,
    InventoryEntryDraft,
    InventoryEntryUpdate,
)
from include.records.channels import NO_CHANNEL
from include.records.errors import DuplicateInTarget, RecordRejected
from include.records.face import CheckResult, SystemName
from include.records.stock_face import Assortments, EntryWrite, EntryWritten
from include.records.types import canonical_json
from include.settings.models import SyncSettings
from include.transport.answer import Answer


class CommercetoolsStock:
    """Entries and orders of one project. `prepare` comes first; the client is opened and closed by the caller.

    `clock`: how the server's time is asked for (see `queries.server_clock`).
    """

    system: SystemName = "commercetools"

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, *, clock: Clock = "custom_object"
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._writable = shown_channels(settings)
        self._ready: Channels | None = None
        self.entries = EntryStream(client, settings, self.server_time)
        self.orders = OrderStream(client, settings, self.server_time)

    async def server_time(self) -> datetime:
        return await queries.server_clock(self._client, use_object=self._clock == "custom_object")

    async def prepare(self, *, writing: bool = False) -> None:
        """Reads the channels; before writing, sees to it that those that are written to can hold stock."""
        channels = Channels.of(await read_channels(self._client))
        if writing:
            channels = await with_supply(self._client, channels, self._settings)
        self._ready = channels
        self.orders.export_channel_id = channels.id_of(self._settings.inventory.export_channel)

    @property
    def _channels(self) -> Channels:
        if self._ready is None:
            raise RuntimeError("`prepare` has to be awaited before stock is read or written.")
        return self._ready

    async def assortments(self) -> Assortments:
        return await read_assortments(self._client, self._settings)

    def to_entries(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return entries_table(rows, self._channels.keys)

    def to_orders(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        inventory = self._settings.inventory
        return orders_table(
            rows,
            self._channels.keys,
            closed=inventory.order_states_closed,
            export_channel=inventory.export_channel,
        )

    async def write(self, write: EntryWrite) -> EntryWritten:
        """Only entries of channels that the configuration lets Lightspeed fill are written: whoever planned it."""
        if write.channel not in self._writable:
            raise RecordRejected(
                f"Entries of channel {write.channel or '(none)'} are not written by this configuration.",
                code="not_owned",
                system=SYSTEM,
                remedy="Nothing, if somebody else counts that stock; otherwise configure the channel.",
            )
        answer = await (self._create(write) if write.entry_id is None else self._update(write))
        return EntryWritten(trimmed_entry(answer.json()), answer.exchange_id)

    async def check(self) -> list[CheckResult]:
        return await stock_preflight.check(self._client, self._settings)

    async def _create(self, write: EntryWrite) -> Answer:
        try:
            return await self._send_new(write, entry_key(write.sku, write.channel))
        except DuplicateInTarget as taken:
            if taken.field != "key":
                raise
            # Another pair has that very key ("A_B" + "C" and "A" + "B_C"), or the pair itself has: the API will say.
            return await self._send_new(write, hashed_key(write.sku, write.channel))

    async def _send_new(self, write: EntryWrite, key: str) -> Answer:
        draft = InventoryEntryDraft(
            sku=write.sku,
            key=key,
            supplyChannel=None if write.channel == NO_CHANNEL else ChannelReference(key=write.channel),
            quantityOnStock=write.on_stock,
        )
        return await self._client.post("/inventory", draft.body(), context={"change": write.change_id})

    async def _update(self, write: EntryWrite) -> Answer:
        if write.seen_version is None:
            raise RecordRejected("An update names no version.", code="missing", system=SYSTEM)
        update = InventoryEntryUpdate(
            version=write.seen_version, actions=[ChangeQuantity(quantity=write.on_stock)]
        )
        return await self._client.post(
            f"/inventory/{write.entry_id}", update.body(), context={"change": write.change_id}
        )


def entry_key(sku: str, channel: str) -> str:
    """The key of the entry of a pair, always the same: `{sku}_{channel}`, or a hash of the two where those signs or
    that length are not allowed in a key. An entry without a key can't be reached by the Import API, which many shops
    use for stock besides."""
    plain = f"{sku}_{channel}"
    return plain if fullmatch(r"[A-Za-z0-9_-]{2,256}", plain) else hashed_key(sku, channel)


def hashed_key(sku: str, channel: str) -> str:
    """A key that no two pairs share, whatever signs they hold."""
    return "stock-" + blake2b(canonical_json([sku, channel]).encode(), digest_size=16).hexdigest()
