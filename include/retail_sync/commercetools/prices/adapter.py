"""`CommercetoolsPrices`: the face of `retail_sync.records.ports.prices.OnlinePrices` for commercetools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from retail_sync.commercetools.api.adapters import EntityAdapter
from retail_sync.commercetools.api.catalogue import require_classic
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.discounts import external_discounts
from retail_sync.commercetools.api.projections import STANDALONE_PRICES, KnownPrices, Projections
from retail_sync.commercetools.api.shapes import STANDALONE_PRICE
from retail_sync.commercetools.api.writing import (
    UpdateAction,
    standalone_price_action,
    update_body,
)
from retail_sync.commercetools.prices import preflight as price_preflight
from retail_sync.commercetools.prices.feeds import ProductPriceStream, StandalonePriceStream
from retail_sync.commercetools.prices.read import trimmed, variants_table
from retail_sync.commercetools.prices.references import ListScope, PriceReferences, read_price_references
from retail_sync.commercetools.prices.update_actions import PriceDrafter, StandaloneWrite
from retail_sync.records.documents import from_document, to_document
from retail_sync.records.errors import (
    DuplicateInTarget,
    RecordRejected,
    TargetMissing,
)
from retail_sync.records.ports.preflight import CheckResult
from retail_sync.records.ports.prices import PricesWritten, ProductPricesWrite, TaxLine
from retail_sync.records.ports.products import RawPage
from retail_sync.records.prices import OnlineTerms, loaded
from retail_sync.records.rows import require
from retail_sync.settings.models import SyncSettings


@dataclass(frozen=True)
class _Ready:
    references: PriceReferences
    scopes: Mapping[str, ListScope]
    terms: OnlineTerms


class CommercetoolsPrices(EntityAdapter[_Ready]):
    """Prices of one project. `known_prices`: see `Projections`."""

    def __init__(
        self, client: CommercetoolsClient, settings: SyncSettings, known_prices: KnownPrices | None = None
    ) -> None:
        super().__init__(client, settings)
        self._lists = {one.name: one for one in settings.prices.synced}
        currencies = {one.commercetools.currency for one in self._lists.values()}
        self._projections = Projections(client, settings, currencies, known_prices)
        self.products = ProductPriceStream(client, settings, self._projections)
        self.standalone = StandalonePriceStream(client, settings, self._projections)

    async def prepare(self, *, writing: bool = False) -> None:
        """Reads project, tax categories, and the channels, stores and customer groups that lists name."""
        references = await read_price_references(self._client, self._settings)
        require_classic(references.project)
        self._know(references)

    def reference(self) -> Any:
        return to_document(self._prepared.references)

    def use(self, reference: Any) -> None:
        self._know(from_document(PriceReferences, reference))

    def _know(self, references: PriceReferences) -> None:
        scopes = {one.name: references.scope(one) for one in self._lists.values()}
        self._prepared = _Ready(references, scopes, references.terms(self._lists.values()))

    @property
    def terms(self) -> OnlineTerms:
        return self._prepared.terms

    # ------------------------------------------------------------ reading

    def to_variants(self, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        return variants_table(rows, list(self._prepared.scopes.values()))

    def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        return self.products.fetch(product_ids)

    # ------------------------------------------------------------ writing

    async def write(self, write: ProductPricesWrite) -> PricesWritten:
        """Only prices of lists that commercetools does not own are written: whoever planned it."""
        for offer in write.offers:
            if offer.list_name not in self._lists or not self._lists[offer.list_name].may_write(SYSTEM):
                raise RecordRejected(
                    f"Prices of the list {offer.list_name!r} are not written to commercetools.",
                    code="not_owned",
                    system=SYSTEM,
                    remedy="Nothing, if commercetools owns it; otherwise correct the list's owner or direction.",
                )
        write = await self._informed(write)
        requests = (await self._drafter(write)).requests(write)
        context = {"change": write.offers[0].change_id} if write.offers else {}
        product, answers = await self._projections.update(
            write.product_id, write.seen_version, requests.actions, context
        )
        exchanges = [answer.exchange_id for answer in answers]
        for one in requests.standalone:
            exchanges.extend(await self._write_standalone(one))
        if product is None or requests.standalone:
            rows = [row async for page in self.fetch([write.product_id]) for row in page.rows]
            return PricesWritten(rows, exchanges)
        row = self._projections.of_product(product)
        return PricesWritten([trimmed(one) for one in await self._projections.finish([row])], exchanges)

    async def _informed(self, write: ProductPricesWrite) -> ProductPricesWrite:
        """With all that a price holds: where private fields were left behind when it was read, it is looked at again,
        because `changePrice` would lose them."""
        if not self._projections.private.names_prices:
            return write
        row = await self._projections.one(write.product_id, write.seen_version)
        table = self.to_variants([trimmed(row)])
        return replace(
            write, carries={id: loaded(carry) for id, carry in zip(table["id"], table["carry"], strict=True)}
        )

    async def _drafter(self, write: ProductPricesWrite) -> PriceDrafter:
        changed = [
            price
            for offer in write.offers
            if offer.action == "update"
            and (price := (write.carries.get(offer.variant_id, {}).get("prices") or {}).get(offer.offer_id))
        ]
        external = await external_discounts(self._client, changed)
        return PriceDrafter(self._prepared.scopes, self._lists, external)

    async def _write_standalone(self, one: StandaloneWrite) -> list[str]:
        context = {"change": one.change_id}
        if one.draft is None:
            if not one.actions:
                return []
            return [await self._update_standalone(str(one.price_id), one.version, one.actions, context)]
        try:
            return [
                (await self._client.post(STANDALONE_PRICES, one.draft.body(), context=context)).exchange_id
            ]
        except DuplicateInTarget as taken:
            return [*taken.exchange_ids, await self._wake(one, taken, context)]

    async def _wake(self, one: StandaloneWrite, taken: DuplicateInTarget, context: Mapping[str, str]) -> str:
        """The scope has a price already. One that is out of use is taken into use with the wanted value; one in use
        was made since the plan, and is to be looked at first."""
        assert one.draft is not None
        try:
            answer = await self._client.get(f"{STANDALONE_PRICES}/{taken.existing_id}")
        except TargetMissing:
            raise taken from None
        with answer.as_described():
            price = answer.json()
            require(price, STANDALONE_PRICE, system=SYSTEM, what="standalone prices")
        if taken.existing_id is None or price.get("active", True):
            raise taken
        actions = [
            standalone_price_action("changeValue", value=one.draft.value, staged=False),
            standalone_price_action("setPriceTiers", tiers=one.draft.tiers or []),
            standalone_price_action("changeActive", active=True),
        ]
        return await self._update_standalone(str(price["id"]), int(price["version"]), actions, context)

    async def _update_standalone(
        self,
        price_id: str,
        version: int | None,
        actions: Sequence[UpdateAction],
        context: Mapping[str, str],
    ) -> str:
        if version is None:
            raise RecordRejected("A standalone price names no version.", code="missing", system=SYSTEM)
        body = update_body(version, *actions)
        return (await self._client.post(f"{STANDALONE_PRICES}/{price_id}", body, context=context)).exchange_id

    # ------------------------------------------------------------ looking ahead

    def tax_lines(self) -> list[TaxLine]:
        return self._prepared.references.tax_lines(self._settings)

    async def check(self) -> list[CheckResult]:
        """Preflight of everything prices need online."""
        return await price_preflight.check(self._client, self._settings)
