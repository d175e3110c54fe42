"""`CommercetoolsStock`: the face of `retail_sync.records.ports.inventory.OnlineStock` for commercetools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from retail_sync.commercetools.api.adapters import StagedAdapter
from retail_sync.commercetools.api.channels import Channels, shown_channels, with_supply
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.references import read_channels, read_project
from retail_sync.commercetools.api.shapes import ENTRY
from retail_sync.commercetools.inventory import preflight as stock_preflight
from retail_sync.commercetools.inventory.assortments import read_assortments
from retail_sync.commercetools.inventory.feeds import EntryStream, OrderStream
from retail_sync.commercetools.inventory.read import entries_table, orders_table, trimmed_entry
from retail_sync.commercetools.inventory.update_actions import EntryWriter
from retail_sync.records.errors import RecordRejected
from retail_sync.records.ports.inventory import Assortments, EntryWrite, EntryWritten, Reserved
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.rows import require
from retail_sync.settings.models import SyncSettings


class CommercetoolsStock(StagedAdapter[Channels]):
    """Entries and orders of one project."""

    kind = Channels

    def __init__(self, client: CommercetoolsClient, settings: SyncSettings) -> None:
        super().__init__(client, settings)
        self._writable = shown_channels(settings)
        self._writer = EntryWriter(client)
        self.entries = EntryStream(client, settings)
        self.orders = OrderStream(client, settings, lambda: self._prepared)

    async def prepare(self, *, writing: bool = False) -> None:
        """Reads the channels; before writing, sees to it that those that are written to can hold stock."""
        channels = Channels.of(await read_channels(self._client))
        if writing:
            channels = await with_supply(self._client, channels, self._settings)
        self._prepared = channels

    async def assortments(self) -> Assortments:
        return await read_assortments(self._client, self._settings)

    async def reserved(self) -> Reserved:
        """Carts reserve where the project says for how long; nothing else tells their reservations from orders'."""
        return stock_preflight.reserved_in(await read_project(self._client))

    def to_entries(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return entries_table(rows, self._prepared.keys)

    def to_orders(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        inventory = self._settings.inventory
        return orders_table(
            rows,
            self._prepared.keys,
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
        answer = await self._writer.write(write)
        with answer.as_described():
            row = answer.json()
            require(row, ENTRY, system=SYSTEM, what="inventory entries")
            return EntryWritten(trimmed_entry(row), answer.exchange_id)

    async def check(self) -> list[CheckResult]:
        return await stock_preflight.check(self._client, self._settings)
