"""A product that exists: from changed canonical fields to the fewest update actions, in an order that works.

Tax category first (it can't be staged and decides how prices are read), then the product's texts, attributes and
categories, then new variants, then each variant's SKU, attributes and price, publishing last. Prices other than the
base price are never touched: there is no `setPrices` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.writing import (
    MAX_VARIANTS,
    PriceDraft,
    UpdateAction,
    product_action,
)
from retail_sync.commercetools.products.attributes import (
    Dropped,
    Shared,
    shared_values,
    unplaced,
    variant_values,
    wanted_columns,
)
from retail_sync.commercetools.products.drafts import attribute_values, base_price, key_of
from retail_sync.commercetools.products.fields import WRITTEN_TEXTS, Place
from retail_sync.commercetools.products.values import Unheld, Values, by_id
from retail_sync.records.errors import RecordRejected
from retail_sync.records.ports.products import ProductWrite, VariantWrite
from retail_sync.records.refs import VariantKey


@dataclass
class StandaloneChange:
    """The base price of a variant of a product whose prices are resources of their own."""

    sku: str
    price: PriceDraft
    price_id: str | None
    version: int | None


@dataclass
class Planned:
    """What one write needs: update actions in order, standalone prices, SKUs that change, and what can't be held."""

    actions: list[UpdateAction] = field(default_factory=list)
    standalone: list[StandaloneChange] = field(default_factory=list)
    skus_given_up: list[str] = field(default_factory=list)
    dropped: Dropped = field(default_factory=list)


@dataclass(frozen=True)
class Present:
    """What an update must know of the product beyond the write: shared attribute values that a new variant has to
    repeat, and which discounts come from outside and would be lost with a price."""

    shared_attributes: Mapping[str, Any] = field(default_factory=dict)
    external_discounts: frozenset[str] = frozenset()


def plan_update(write: ProductWrite, values: Values, present: Present | None = None) -> Planned:
    """The actions of an update. Raises RecordRejected where the product as a whole can't be written."""
    return _Update(write, values, present or Present()).planned()


class _Update:
    def __init__(self, write: ProductWrite, values: Values, present: Present) -> None:
        self.write = write
        self.values = values
        self.places = values.places
        self.present = present
        self.carry = write.carry
        self.type_id = str(write.carry.get("type", ""))
        self.tax_category: str | None = write.carry.get("tax")
        self.out = Planned()
        policy = values.products.write
        foreign_draft = bool(self.carry.get("staged"))
        self.published = bool(self.carry.get("published"))
        # Publishing would also publish what an editor has not finished: then our fields go live by themselves.
        self.staged = policy == "staged" or (policy == "publish" and self.published and not foreign_draft)
        self.publish_after = policy == "publish" and self.staged
        self.price_staged = self.staged or values.scope.staged

    def planned(self) -> Planned:
        self._check_size()
        self._tax_class()
        self._texts()
        shared = shared_values(
            self.write, self.type_id, self.values, self.out.dropped, self.carry.get("attributes")
        )
        self._shared(shared)
        self._categories()
        for variant in self.write.variants:
            if variant.action == "create":
                self._add(variant, shared)
        for variant in self.write.variants:
            if variant.action == "update":
                self._change(variant)
        self._publishing()
        self._unplaced()
        return self.out

    def _check_size(self) -> None:
        new = sum(variant.action == "create" for variant in self.write.variants)
        if new and len(self.write.members) + new > MAX_VARIANTS:
            raise RecordRejected(
                f"The product would have {len(self.write.members) + new} variants; {MAX_VARIANTS} are possible.",
                code="too_many_variants",
                system=SYSTEM,
            )

    # ------------------------------------------------------------ the product

    def _tax_class(self) -> None:
        if "tax_class" not in self.write.fields or self._placed("tax_class", "taxCategory") is None:
            return
        wanted = str(self.write.fields["tax_class"] or "")
        try:
            category = self.values.tax_category(wanted)
        except Unheld as why:
            self._drop("tax_class", why)
            return
        if category != self.tax_category:
            self.tax_category = category
            self._act("setTaxCategory", taxCategory=by_id("tax-category", category) if category else None)

    def _texts(self) -> None:
        for place in self.places.fields.values():
            wanted = wanted_columns(place, self.write.fields)
            if place.is_attribute or not wanted or place.where not in WRITTEN_TEXTS:
                continue
            today = (self.carry.get("texts") or {}).get(place.where) or {}
            try:
                texts = self.values.localized(place, wanted, today)
                if place.where == "name" and not texts:
                    raise Unheld("a product needs a name in some locale")
            except Unheld as why:
                self._drop_all(wanted, why)
                continue
            if texts != today:
                action = (
                    "changeName" if place.where == "name" else f"set{place.where[0].upper()}{place.where[1:]}"
                )
                self._act_staged(action, **{place.where: texts or None})

    def _shared(self, shared: Shared) -> None:
        for name, (definition, raw) in shared.items():
            whole = definition.level == "Product"
            self._act_staged(
                "setProductAttribute" if whole else "setAttributeInAllVariants", name=name, value=raw
            )

    def _categories(self) -> None:
        for place in self.places.fields.values():
            if place.is_attribute or place.where != "categories" or place.column not in self.write.fields:
                continue
            value = self.write.fields[place.column]
            try:
                if place.type in ("set", "list"):
                    self._replace_categories(place, value or [])
                else:
                    self._move_category(place, str(value or ""))
            except Unheld as why:
                self._drop(place.column, why)

    def _replace_categories(self, place: Place, names: list[str]) -> None:
        today = list(self.carry.get("categories") or ())
        wanted = [self.values.category(name, place) for name in names]
        self._categorise(
            add=[id for id in wanted if id not in today], remove=[id for id in today if id not in wanted]
        )

    def _move_category(self, place: Place, name: str) -> None:
        """The category that shows is exchanged; others stay. Where another one would show then, nothing is done."""
        today = list(self.carry.get("categories") or ())
        shown = self.carry.get("shown")
        wanted = self.values.category(name, place) if name else None
        rest = [id for id in today if id != shown]
        after = [*rest, *([wanted] if wanted and wanted not in rest else [])]
        if self.values.reader.shown_category(after) != wanted:
            raise Unheld("another category of the product would be the one that shows")
        add = [wanted] if wanted and wanted not in today else []
        self._categorise(add=add, remove=[shown] if shown and shown != wanted else [])

    def _categorise(self, *, add: list[str], remove: list[str]) -> None:
        for action, ids in (("addToCategory", add), ("removeFromCategory", remove)):
            for id in ids:
                self._act_staged(action, category=by_id("category", id))

    # ------------------------------------------------------------ variants

    def _add(self, variant: VariantWrite, shared: Shared) -> None:
        own = variant_values(variant, self.type_id, self.values, self.out.dropped)
        alike = {name: raw for name, (definition, raw) in shared.items() if definition.level != "Product"}
        attributes = {**self.present.shared_attributes, **alike, **own}
        sku = variant.fields.get("sku") or None
        price = base_price(variant, self.tax_category, self.values, self.out.dropped)
        if price and sku and self._has_standalone_prices:
            self.out.standalone.append(StandaloneChange(str(sku), price, None, None))
        self._act_staged(
            "addVariant",
            sku=sku,
            key=key_of(sku) if sku else None,
            prices=[price] if price and not self._has_standalone_prices else [],
            attributes=attribute_values(attributes),
        )

    def _change(self, variant: VariantWrite) -> None:
        number = _number(variant)
        self._sku(variant, number)
        today = variant.carry.get("attributes") or {}
        changed = variant_values(variant, self.type_id, self.values, self.out.dropped, today)
        for name, raw in changed.items():
            self._act_staged("setAttribute", variantId=number, name=name, value=raw)
        self._price(variant, number)

    def _sku(self, variant: VariantWrite, number: int) -> None:
        if "sku" not in variant.fields:
            return
        wanted, today = str(variant.fields["sku"] or ""), str(variant.current.get("sku") or "")
        if not wanted:
            self.out.dropped.append((variant.change_id, "sku", "a SKU is not taken away"))
        elif wanted != today:
            if today:
                self.out.skus_given_up.append(today)
            self._act_staged("setSku", variantId=number, sku=wanted)

    def _price(self, variant: VariantWrite, number: int) -> None:
        carried = variant.carry.get("price")
        discount = ((carried or {}).get("discounted") or {}).get("discount") or {}
        keep = discount.get("id") in self.present.external_discounts
        draft = base_price(
            variant, self.tax_category, self.values, self.out.dropped, carried, keep_discount=keep
        )
        if draft is None:
            return
        if self._has_standalone_prices:
            sku = str(variant.fields.get("sku") or variant.current.get("sku") or "")
            held = carried or {}
            self.out.standalone.append(StandaloneChange(sku, draft, held.get("id"), held.get("standalone")))
        elif carried:
            self._act("changePrice", priceId=carried["id"], price=draft, staged=self.price_staged)
        else:
            self._act("addPrice", variantId=number, price=draft, staged=self.price_staged)

    @property
    def _has_standalone_prices(self) -> bool:
        return self.carry.get("mode") == "Standalone"

    # ------------------------------------------------------------ publishing

    def _publishing(self) -> None:
        wanted = self._wanted_state()
        if wanted is False and self.published:
            self._act("unpublish")
        elif wanted is True and not self.published:
            if self.values.products.write == "staged":
                self._drop_active("products.write is `staged`: publishing is left to a person")
            else:
                self._act("publish", scope="All")
        elif self.publish_after and any(getattr(action, "staged", False) for action in self.out.actions):
            self._act("publish", scope="All")

    def _wanted_state(self) -> bool | None:
        """Whether the product is to be published; None = as it is. A product is published or not as a whole."""
        if self.write.fields.get("published") is not None:
            return bool(self.write.fields["published"])
        if self._placed("active", "published") is None:
            return None
        told = {
            v.target_id or v.change_id: v.fields["active"]
            for v in self.write.variants
            if "active" in v.fields
        }
        states = {state for state in told.values() if state is not None}
        if not states:
            return None
        if True in states:
            if False in states:
                self._drop_active(
                    "commercetools publishes whole products; another variant is sold", only=False
                )
            return True
        if set(self.write.members) <= set(told):
            return False
        if self.published:
            self._drop_active(
                "commercetools publishes whole products; its other variants are still sold", only=False
            )
        return None

    def _drop_active(self, why: str, *, only: bool | None = None) -> None:
        for variant in self.write.variants:
            state = variant.fields.get("active")
            if state is not None and only in (None, state):
                self.out.dropped.append((variant.change_id, "active", why))
        if self.write.fields.get("published") is not None:
            self.out.dropped.append((self.write.change_id or "", "published", why))

    # ------------------------------------------------------------ what is sent, and what has no place

    def _act(self, action: str, **members: Any) -> None:
        self.out.actions.append(product_action(action, **members))

    def _act_staged(self, action: str, **members: Any) -> None:
        self._act(action, **members, staged=self.staged)

    def _unplaced(self) -> None:
        self.out.dropped.extend(unplaced(self.write, self.places))
        if "images" in self.write.fields:
            self._drop("images", "images are written once, when the product is created")

    def _placed(self, column: str, where: str) -> Place | None:
        place = self.places.fields.get(column)
        return place if place is not None and not place.is_attribute and place.where == where else None

    def _drop(self, name: str, why: object) -> None:
        self.out.dropped.append((self.write.change_id or "", name, str(why)))

    def _drop_all(self, wanted: Mapping[str, Any], why: object) -> None:
        for name in wanted:
            self._drop(name, why)


def _number(variant: VariantWrite) -> int:
    """The variant's number inside its product."""
    if "n" in variant.carry:
        return int(variant.carry["n"])
    try:
        return VariantKey.parse(variant.target_id or "").number
    except ValueError:
        text = f"{variant.target_id!r} names no variant."
        raise RecordRejected(text, code="missing", system=SYSTEM) from None
