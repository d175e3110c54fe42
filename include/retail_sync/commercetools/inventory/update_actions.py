"""How one inventory entry is written: created, or set at the version that was seen; below zero, too."""

from __future__ import annotations

from hashlib import blake2b
from re import fullmatch
from typing import Annotated

from pydantic import Field

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.writing import (
    ChannelReference,
    Draft,
    Key,
    UpdateAction,
    UpdateActions,
    update_body,
)
from retail_sync.records.channels import NO_CHANNEL
from retail_sync.records.errors import DuplicateInTarget, RecordRejected, StaleTarget, TargetMissing
from retail_sync.records.ports.inventory import EntryWrite
from retail_sync.records.types import canonical_json
from retail_sync.transport.answer import Answer

SETS_BELOW_ZERO = True
"""Whether `changeQuantity` and drafts take a quantity below zero. Inferred: no least quantity is documented for them.
Where one is refused, the entry is brought there by a difference from the quantity at the version that was read:
`removeQuantity` is documented to lead below zero (API reference, 27 May 2026)."""


class InventoryEntryDraft(Draft):
    sku: Annotated[str, Field(min_length=1)]
    key: Key
    supplyChannel: ChannelReference | None = None
    quantityOnStock: int


quantity_action = UpdateActions(
    {
        # Sets the quantity on stock; what is reserved stays so.
        "changeQuantity": {"quantity": int},
        # Below zero, too, where more is taken than there is.
        "addQuantity": {"quantity": int},
        "removeQuantity": {"quantity": int},
    }
)


class EntryWriter:
    """Writes entries of one project, and remembers whether it refuses to set a quantity below zero."""

    def __init__(self, client: CommercetoolsClient, *, sets_below_zero: bool = SETS_BELOW_ZERO) -> None:
        self._client = client
        self._sets_below_zero = sets_below_zero

    async def write(self, write: EntryWrite) -> Answer:
        """The entry as it answered. Raises as `OnlineStock.write` does."""
        answer = await (self._create(write) if write.entry_id is None else self._update(write))
        if write.on_stock < 0 and answer.json().get("quantityOnStock") != write.on_stock:
            raise RecordRejected(
                f"The entry was to have {write.on_stock} on stock and shows another quantity.",
                code="value_not_kept",
                system=SYSTEM,
                remedy="If the project keeps no quantity below zero, set `inventory.negative_quantity: zero`.",
                exchange_ids=[answer.exchange_id],
            )
        return answer

    # ------------------------------------------------------------ creating

    async def _create(self, write: EntryWrite) -> Answer:
        if write.on_stock < 0 and not self._sets_below_zero:
            return await self._create_by_difference(write)
        try:
            return await self._keyed(write, write.on_stock)
        except RecordRejected as refused:
            if write.on_stock >= 0 or isinstance(refused, DuplicateInTarget):
                raise
        made = await self._create_by_difference(write)
        self._sets_below_zero = False
        return made

    async def _create_by_difference(self, write: EntryWrite) -> Answer:
        """An entry without stock, and what is missing taken off it."""
        made = (await self._keyed(write, 0)).json()
        return await self._send(
            write,
            str(made["id"]),
            int(made["version"]),
            quantity_action("removeQuantity", quantity=-write.on_stock),
        )

    async def _keyed(self, write: EntryWrite, on_stock: int) -> Answer:
        try:
            return await self._send_new(write, on_stock, entry_key(write.sku, write.channel))
        except DuplicateInTarget as taken:
            if taken.field != "key":
                raise
            # Another pair has that very key ("A_B" + "C" and "A" + "B_C"), or the pair itself has: the API will say.
            return await self._send_new(write, on_stock, hashed_key(write.sku, write.channel))

    async def _send_new(self, write: EntryWrite, on_stock: int, key: str) -> Answer:
        draft = InventoryEntryDraft(
            sku=write.sku,
            key=key,
            supplyChannel=None if write.channel == NO_CHANNEL else ChannelReference(key=write.channel),
            quantityOnStock=on_stock,
        )
        return await self._client.post("/inventory", draft.body(), context={"change": write.change_id})

    # ------------------------------------------------------------ setting

    async def _update(self, write: EntryWrite) -> Answer:
        if write.seen_version is None:
            raise RecordRejected("An update names no version.", code="missing", system=SYSTEM)
        entry_id, version = str(write.entry_id), write.seen_version
        difference = _difference(write)
        wanted = quantity_action("changeQuantity", quantity=write.on_stock)
        if write.on_stock < 0 and difference is not None and not self._sets_below_zero:
            return await self._send(write, entry_id, version, difference)
        try:
            return await self._send(write, entry_id, version, wanted)
        except (StaleTarget, TargetMissing):
            raise
        except RecordRejected:
            if write.on_stock >= 0 or difference is None:
                raise
        answer = await self._send(write, entry_id, version, difference)
        self._sets_below_zero = False
        return answer

    async def _send(self, write: EntryWrite, entry_id: str, version: int, action: UpdateAction) -> Answer:
        body = update_body(version, action)
        return await self._client.post(f"/inventory/{entry_id}", body, context={"change": write.change_id})


def _difference(write: EntryWrite) -> UpdateAction | None:
    """What leads from the quantity that was seen to the wanted one; None where it was not seen, or is the same."""
    if write.seen_on_stock is None or write.seen_on_stock == write.on_stock:
        return None
    by = write.on_stock - write.seen_on_stock
    return quantity_action("addQuantity" if by > 0 else "removeQuantity", quantity=abs(by))


def entry_key(sku: str, channel: str) -> str:
    """The key of the entry of a pair, always the same: `{sku}_{channel}`, or a hash of the two where those signs or
    that length are not allowed in a key. An entry without a key can't be reached by the Import API, which many shops
    use for stock besides."""
    plain = f"{sku}_{channel}"
    return plain if fullmatch(r"[A-Za-z0-9_-]{2,256}", plain) else hashed_key(sku, channel)


def hashed_key(sku: str, channel: str) -> str:
    """A key that no two pairs share, whatever signs they hold."""
    return "stock-" + blake2b(canonical_json([sku, channel]).encode(), digest_size=16).hexdigest()
