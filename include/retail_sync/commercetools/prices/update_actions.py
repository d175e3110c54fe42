"""From changed prices of one product to the fewest requests: update actions for embedded prices, a request each for
standalone ones.

An embedded price is changed by `changePrice`, which replaces it whole: all it holds besides the amount is sent along.
`setPrices` is used only for a variant that has no price at all and gets several: one action instead of many, and no
price loses its id by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.price_drafts import redrafted
from retail_sync.commercetools.api.wire import Money, Price, exact_amount
from retail_sync.commercetools.api.writing import (
    Identifier,
    MoneyDraft,
    PreciseMoneyDraft,
    PriceDraft,
    StandalonePriceDraft,
    UpdateAction,
    product_action,
    standalone_price_action,
)
from retail_sync.commercetools.prices.references import ListScope
from retail_sync.records.currencies import minor_digits
from retail_sync.records.errors import RecordRejected
from retail_sync.records.ports.prices import OfferWrite, ProductPricesWrite
from retail_sync.records.prices import Quote
from retail_sync.settings.models.prices import PriceList


@dataclass(frozen=True)
class StandaloneWrite:
    """One standalone price: made from `draft`, or changed by `actions` at `version`."""

    change_id: str
    price_id: str | None
    version: int | None
    actions: Sequence[UpdateAction] = ()
    draft: StandalonePriceDraft | None = None


@dataclass
class Requests:
    """What one product needs: actions of one update, and requests of their own."""

    actions: list[UpdateAction] = field(default_factory=list)
    standalone: list[StandaloneWrite] = field(default_factory=list)


@dataclass(frozen=True)
class PriceDrafter:
    """`scopes`, `lists`: by list name. `external`: discounts that have to be sent along."""

    scopes: Mapping[str, ListScope]
    lists: Mapping[str, PriceList]
    external: Collection[str] = frozenset()

    def requests(self, write: ProductPricesWrite) -> Requests:
        """All requests of one write. Raises RecordRejected for what can't be written."""
        out = Requests()
        bare: dict[str, list[OfferWrite]] = {}
        for offer in write.offers:
            carry = write.carries.get(offer.variant_id, {})
            if carry.get("standalone"):
                out.standalone.append(self._standalone(offer, carry))
            elif offer.action == "create" and carry.get("bare"):
                bare.setdefault(offer.variant_id, []).append(offer)
            else:
                out.actions.append(self._embedded(offer, carry))
        for variant_id, offers in bare.items():
            out.actions.extend(self._first_prices(offers, write.carries[variant_id]))
        return out

    def _first_prices(self, offers: list[OfferWrite], carry: Mapping[str, Any]) -> list[UpdateAction]:
        number = int(carry["n"])
        staged = {self.lists[offer.list_name].staged for offer in offers}
        if len(offers) > 1 and len(staged) == 1:
            drafts = [self._new(offer) for offer in offers]
            return [product_action("setPrices", variantId=number, prices=drafts, staged=staged.pop())]
        return [self._embedded(offer, carry) for offer in offers]

    def _embedded(self, offer: OfferWrite, carry: Mapping[str, Any]) -> UpdateAction:
        staged = self.lists[offer.list_name].staged
        if offer.action == "create":
            return product_action(
                "addPrice", variantId=int(carry["n"]), price=self._new(offer), staged=staged
            )
        if offer.action == "remove":
            return product_action("removePrice", priceId=str(offer.offer_id), staged=staged)
        price = self._held(offer, carry)
        assert offer.quote is not None  # an update has one
        discount = ((price.discounted or {}).get("discount") or {}).get("id")
        return product_action(
            "changePrice",
            priceId=price.id,
            price=redrafted(
                price,
                self._money(offer.list_name, offer.quote.amount),
                self._tiers(offer, price),
                keep_discount=discount in self.external,
            ),
            staged=staged,
        )

    def _standalone(self, offer: OfferWrite, carry: Mapping[str, Any]) -> StandaloneWrite:
        if offer.action == "create":
            if not offer.sku:
                raise RecordRejected(
                    "A standalone price belongs to a SKU, and the variant has none.",
                    code="sku_missing",
                    system=SYSTEM,
                    remedy="Give the variant a SKU.",
                )
            new = self._new(offer)
            draft = StandalonePriceDraft(
                sku=offer.sku, **new.model_dump(exclude_none=True, exclude={"key", "custom", "discounted"})
            )
            return StandaloneWrite(offer.change_id, None, None, draft=draft)
        if offer.action == "remove":
            # Taken out of use and not deleted: deletion leaves no trace of what it was.
            actions = [standalone_price_action("changeActive", active=False)]
        else:
            actions = self.standalone_actions(offer, self._held(offer, carry))
        return StandaloneWrite(offer.change_id, offer.offer_id, offer.offer_version, actions)

    def standalone_actions(self, offer: OfferWrite, price: Price) -> list[UpdateAction]:
        """What makes `price` show the quote; only what differs."""
        assert offer.quote is not None  # an update has one
        actions: list[UpdateAction] = []
        if exact_amount(price.value) != offer.quote.amount:
            staged = self.lists[offer.list_name].staged
            value = self._money(offer.list_name, offer.quote.amount)
            actions.append(standalone_price_action("changeValue", value=value, staged=staged))
        tiers = self._tiers(offer, price) or []
        if self._keeps_tiers(offer.list_name) and _plain(price.tiers) != tiers:
            actions.append(standalone_price_action("setPriceTiers", tiers=tiers))
        return actions

    def _new(self, offer: OfferWrite) -> PriceDraft:
        assert offer.quote is not None  # a creation has one
        scope = self.scopes[offer.list_name]
        return PriceDraft(
            value=self._money(offer.list_name, offer.quote.amount),
            country=scope.country,
            customerGroup=Identifier(typeId="customer-group", id=scope.group_id) if scope.group_id else None,
            channel=Identifier(typeId="channel", id=scope.channel_id) if scope.channel_id else None,
            validFrom=offer.begins,
            validUntil=offer.ends,
            tiers=self._tier_drafts(offer.list_name, offer.quote) or None,
        )

    def _held(self, offer: OfferWrite, carry: Mapping[str, Any]) -> Price:
        found = (carry.get("prices") or {}).get(offer.offer_id)
        if found is None:
            raise RecordRejected(
                f"The price {offer.offer_id} of {offer.sku or offer.variant_id} is no longer there.",
                code="missing",
                system=SYSTEM,
                remedy="Nothing: it is read and planned again.",
            )
        return Price.model_validate(found)

    def _keeps_tiers(self, name: str) -> bool:
        """Whether the quantities of a list are the other system's: a till's own price has none."""
        return self.lists[name].in_book

    def _tiers(self, offer: OfferWrite, price: Price) -> list[dict[str, Any]] | None:
        assert offer.quote is not None
        if not self._keeps_tiers(offer.list_name):
            return _plain(price.tiers) or None
        return self._tier_drafts(offer.list_name, offer.quote) or None

    def _tier_drafts(self, name: str, quote: Quote) -> list[dict[str, Any]]:
        return [
            {"minimumQuantity": units, "value": self._money(name, amount).body()}
            for units, amount in quote.tiers
        ]

    def _money(self, name: str, amount: Decimal) -> MoneyDraft | PreciseMoneyDraft:
        """Whole minor units where the amount is such; high precision where the list allows it."""
        place = self.lists[name].commercetools
        digits = minor_digits(place.currency)
        if amount == amount.quantize(Decimal(1).scaleb(-digits)):
            return MoneyDraft(currencyCode=place.currency, centAmount=int(amount.scaleb(digits)))
        precise = place.high_precision_digits
        if precise is None or amount != amount.quantize(Decimal(1).scaleb(-precise)):
            raise RecordRejected(
                f"{amount} {place.currency} has more digits than the list {name!r} writes.",
                code="price_not_exact",
                system=SYSTEM,
                remedy="Set commercetools.high_precision_digits of the list, or give it a rounding.",
            )
        return PreciseMoneyDraft(
            currencyCode=place.currency,
            preciseAmount=int(amount.scaleb(precise)),
            fractionDigits=precise,
        )


def _plain(tiers: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """Tiers as drafts take them: without what the API computes."""
    plain: list[dict[str, Any]] = []
    for tier in tiers or ():
        value = Money.model_validate(tier["value"])
        money: dict[str, Any] = {"currencyCode": value.currencyCode, "centAmount": value.centAmount}
        if value.type == "highPrecision":
            money = {
                "type": value.type,
                "currencyCode": value.currencyCode,
                "preciseAmount": value.preciseAmount,
                "fractionDigits": value.fractionDigits,
            }
        plain.append({"minimumQuantity": int(tier["minimumQuantity"]), "value": money})
    return plain
