"""Getting product projections: whole pages of the configured side, with standalone prices, without private fields.

Deltas are read with `staged=true`, because the current side alone never shows that a product was unpublished. Where
the configuration wants what customers see, rows with staged changes are exchanged for their current side, in batches:
one more request for each page that has such rows, none where nobody is editing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from retail_sync.commercetools.api import queries
from retail_sync.commercetools.api.adapters import TimeFeed
from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.privacy import PrivateFields
from retail_sync.commercetools.api.queries import Query, Rows, Slice, one_of
from retail_sync.commercetools.api.shapes import PRODUCT, VARIANT
from retail_sync.commercetools.api.variants import variants_in
from retail_sync.commercetools.api.writing import MAX_ACTIONS, UpdateAction, update_body
from retail_sync.records.checks import Shape, each, members, needed
from retail_sync.records.errors import ProtocolFault, RecordRejected, StaleTarget
from retail_sync.records.ports.products import Asked, RawPage, Shown, Window
from retail_sync.records.refs import VariantKey
from retail_sync.records.rows import gated, is_stub, readable, require
from retail_sync.settings.models import SyncSettings
from retail_sync.transport.answer import Answer

PATH = "/product-projections"
STAGED = (("staged", "true"),)
CURRENT = (("staged", "false"),)
STANDALONE_PRICES = "/standalone-prices"
KnownPrices = Callable[[Collection[str]], Mapping[str, str]]
"""The standalone prices that earlier reads showed of these SKUs: the SKU of each, by its id."""
_OF_THE_PRODUCT = (
    "id",
    "version",
    "key",
    "lastModifiedAt",
    "createdAt",
    "productType",
    "taxCategory",
    "priceMode",
)
_SIDE = needed(members({"masterVariant": needed(members(VARIANT)), "variants": each(members(VARIANT))}))
_WHOLE: Shape = {"masterData": needed(members({"staged": _SIDE, "current": members({})}))}


class Projections:
    """`currencies`: those of which standalone prices are wanted. `known_prices`: of them, one that the lists do not
    show is asked for under its own address."""

    def __init__(
        self,
        client: CommercetoolsClient,
        settings: SyncSettings,
        currencies: Collection[str],
        known_prices: KnownPrices | None = None,
    ) -> None:
        self._client = client
        self._currencies = sorted(currencies)
        self._known_prices = known_prices
        self._staged = Query(client, PATH, settings.limits.commercetools.page_size, STAGED)
        self._prices = Query(client, STANDALONE_PRICES)
        self._most_asked = settings.limits.commercetools.most_asked
        self._wants_current = settings.products.projection == "current"
        self.private = PrivateFields(settings.privacy.exclude.get("commercetools", ()))

    def walk(self, window: Window, position: str | None) -> AsyncIterator[Slice]:
        """Everything by id, or what changed in the window by time."""
        return self._finished(self._staged.in_window(window, position))

    def by_ids(self, product_ids: Collection[str]) -> list[AsyncIterator[Slice]]:
        return self._matching([one_of("id", part) for part in queries.in_batches(product_ids)])

    def by_skus(self, skus: Sequence[str]) -> list[AsyncIterator[Slice]]:
        """A SKU may sit in the master variant or in any other: whether `variants(...)` means both is not documented."""
        parts = queries.in_batches((sku for sku in skus if sku), mentions=2)
        named = [one_of("sku", part) for part in parts]
        return self._matching([f"(masterVariant({test}) or variants({test}))" for test in named])

    async def one(self, name: str, seen_version: int | None = None) -> dict[str, Any]:
        """One product by id or `key=...`, private fields included: for the writer, never to leave this room. Raises
        StaleTarget where it is no longer at the version that was seen."""
        answer = await self._client.get(f"{PATH}/{name}", dict(STAGED))
        rows: Rows = [answer.json()]
        require(rows[0], PRODUCT, system=SYSTEM, what="product projections")
        await self._current(rows)
        await self._standalone(rows)
        if seen_version is not None and int(rows[0]["version"]) != seen_version:
            raise StaleTarget(
                f"Product {name} is at version {rows[0]['version']}, the plan saw {seen_version}.",
                code="stale",
                system=SYSTEM,
            )
        return rows[0]

    async def each(self, product_ids: Sequence[str]) -> Asked:
        """Products, each asked for alone."""
        asked = await self._staged.asked(product_ids)
        return Asked(await self._kept(asked.rows), asked.gone)

    async def update(
        self,
        product_id: str,
        version: int | None,
        actions: Sequence[UpdateAction],
        context: Mapping[str, str],
    ) -> tuple[dict[str, Any] | None, list[Answer]]:
        """Sends the actions at that version, in as many requests as they need: the whole product as it answered last
        (None where there was nothing to do), and all answers."""
        product: dict[str, Any] | None = None
        answers: list[Answer] = []
        for start in range(0, len(actions), MAX_ACTIONS):
            if version is None:
                raise RecordRejected(
                    "An update of a product names no version.", code="missing", system=SYSTEM
                )
            body = update_body(version, *actions[start : start + MAX_ACTIONS])
            answer = await self._client.post(f"/products/{product_id}", body, context=context)
            with answer.as_described():
                product = self.known(answer.json())
                version = int(product["version"])
            answers.append(answer)
        return product, answers

    async def finish(self, rows: Rows) -> Rows:
        """Rows as they may leave this room."""
        await self._standalone(rows)
        self.private.remove(rows)
        return rows

    def known(self, product: Any) -> dict[str, Any]:
        """A whole product as a write answers it. Raises UnreadableRows where what is read of it is not as described."""
        require(product, _WHOLE, system=SYSTEM, what="products")
        require(self.of_product(product), PRODUCT, system=SYSTEM, what="products")
        return dict(product)

    def of_product(self, product: Mapping[str, Any]) -> dict[str, Any]:
        """The configured side of a whole product, as a write answers it."""
        master_data = product["masterData"]
        published = bool(master_data.get("published"))
        side = master_data["current" if self._wants_current and published else "staged"]
        own = {name: product[name] for name in _OF_THE_PRODUCT if name in product}
        return {
            **side,
            **own,
            "published": published,
            "hasStagedChanges": bool(master_data.get("hasStagedChanges")),
        }

    def _matching(self, tests: Sequence[str]) -> list[AsyncIterator[Slice]]:
        return [self._finished(self._staged.by_id(test)) for test in tests]

    async def _finished(self, walk: AsyncIterator[Slice]) -> AsyncIterator[Slice]:
        async for part in walk:
            yield replace(part, rows=await self._kept(part.rows))

    async def _kept(self, answered: Rows) -> Rows:
        """Rows as they may leave this room; one that is no product stands for itself."""
        rows = gated(answered, PRODUCT)
        sound = readable(rows)
        await self._current(sound)
        await self.finish(sound)
        return [*gated(sound, PRODUCT), *filter(is_stub, rows)]

    async def _current(self, rows: Rows) -> None:
        """Exchanges, in place, the draft of published products for what customers see. One that the list does not show
        is asked for alone: only of a product that was unpublished in between, and has no current side, the draft stays,
        and the next window corrects it."""
        if not self._wants_current:
            return
        places = {
            row["id"]: n for n, row in enumerate(rows) if row.get("published") and row.get("hasStagedChanges")
        }
        for part in queries.in_batches(places):
            # Room for one more row than can come: a page that is not full needs no second request to be the last.
            current = Query(self._client, PATH, len(part) + 1, CURRENT)
            listed = readable(gated(await current.everything(one_of("id", part)), PRODUCT))
            shown = {str(row["id"]) for row in listed}
            alone = await current.asked([one for one in part if one not in shown])
            for row in [*listed, *readable(gated(alone.rows, PRODUCT))]:
                if str(row["id"]) in places:
                    rows[places[str(row["id"])]] = row

    async def _standalone(self, rows: Rows) -> None:
        """Puts standalone prices where embedded ones would be, with the version that writing them needs.

        Raises ProtocolFault where the lists lack more known prices than may be asked for one by one."""
        holders: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row.get("priceMode") != "Standalone":
                continue
            for variant in variants_in(row):
                if variant.get("sku"):
                    variant["prices"] = []
                    holders.setdefault(variant["sku"], []).append(variant)
        for part in queries.in_batches(holders):
            where = [
                one_of("sku", part),
                f"value({one_of('currencyCode', self._currencies)})",
                "active = true",
            ]
            listed = await self._prices.everything(*where)
            for price in [*listed, *await self._unlisted(part, listed)]:
                for variant in holders.get(str(price.get("sku")), ()):
                    variant["prices"].append({**price, "standalone": price.get("version")})

    async def _unlisted(self, skus: Sequence[str], listed: Rows) -> Rows:
        """Prices in force that are known of these SKUs and that the list, which may be short, did not show."""
        if self._known_prices is None:
            return []
        known = await asyncio.to_thread(self._known_prices, skus)
        shown = {str(price.get("id")) for price in listed}
        missing = {one: sku for one, sku in known.items() if one not in shown}
        if len(missing) > self._most_asked:
            raise ProtocolFault(
                f"The list of standalone prices does not show {len(missing)} that are known, more than can be asked "
                f"for one by one ({self._most_asked}).",
                system=SYSTEM,
                remedy="Nothing was changed. Run it again: a list that came short passes. If so many were really "
                f"deleted, raise `limits.{SYSTEM}.most_asked` for one run.",
            )
        answers = await self._prices.each(list(missing))
        # One that can't be read is there all the same: with it, its product can't be read either.
        prices = [
            {**(price if isinstance(price, dict) else {}), "sku": sku}
            for price, sku in zip(answers, missing.values(), strict=True)
            if price is not None
        ]
        return [price for price in prices if price.get("active") is not False]


class ProductFeed(TimeFeed):
    """Products, each whole with all its variants: all by id, or what changed by time."""

    def __init__(self, client: CommercetoolsClient, settings: SyncSettings, projections: Projections) -> None:
        super().__init__(client, settings)
        self._projections = projections

    async def walk(self, window: Window, *, position: str | None = None) -> AsyncIterator[RawPage]:
        async for part in self._projections.walk(window, position):
            yield self._page(part, window)

    def search(self, keys: Sequence[str], /) -> AsyncIterator[RawPage]:
        """The products of these SKUs now."""
        return self._pages(self._projections.by_skus(keys))

    def fetch(self, product_ids: Sequence[str]) -> AsyncIterator[RawPage]:
        """These products now."""
        return self._pages(self._projections.by_ids(product_ids))

    def records_in(self, rows: Sequence[Mapping[str, Any]], /) -> list[Shown]:
        """The variants of each product; a product that is gone is shown by no row."""
        return [
            Shown(
                id=str(VariantKey(row["id"], variant["id"])),
                version=row.get("version"),
                parent=str(row["id"]),
                names=(str(variant["sku"]),) if variant.get("sku") else (),
            )
            for row in rows
            for variant in variants_in(row)
        ]

    async def ask_together(self, ids: Sequence[str], /) -> AsyncIterator[Rows]:
        """The products of these variants."""
        async for page in self.fetch(_products_of(ids)):
            yield page.rows

    async def ask_each(self, ids: Sequence[str], /) -> Asked:
        """One request for each product of these variants. A variant is gone with its product, or where the product is
        there without it. Of a product that is there and can't be read, nothing is known to be gone."""
        asked = await self._projections.each(_products_of(ids))
        sound = readable(asked.rows)
        there = {one.id for one in self.records_in(sound)}
        answered = {str(row["id"]) for row in sound} | set(asked.gone)
        gone = [one for one in ids if one not in there and VariantKey.parse(one).product_id in answered]
        return Asked(self._kept(asked.rows), gone)


def _products_of(variant_ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(VariantKey.parse(one).product_id for one in variant_ids))
