"""Product requests of API 2026-07 (and the versions before it): what to send for a planned write.

Version 2026-10 replaces these endpoints by product families with other bodies; this module is what changes then.
Pure: ids are resolved before (`ResolvedIds`), sending happens elsewhere (`products`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from retail_sync.lightspeed.connection import SYSTEM
from retail_sync.lightspeed.x_series.api.bodies import (
    Common,
    Details,
    ProductCreate,
    ProductUpdate,
)
from retail_sync.lightspeed.x_series.api.capabilities import MOST_OPTIONS
from retail_sync.lightspeed.x_series.api.money import PRICE_FIELDS
from retail_sync.lightspeed.x_series.api.numbers import number
from retail_sync.lightspeed.x_series.api.product_members import Place
from retail_sync.lightspeed.x_series.api.store import StoreFacts
from retail_sync.lightspeed.x_series.products.barcodes import Code, code_list, type_of
from retail_sync.lightspeed.x_series.products.fields import DEFAULT_UNITS, mapped_places
from retail_sync.lightspeed.x_series.products.read import OWN_SOURCE_PREFIX, described_as_text
from retail_sync.records.errors import RecordRejected
from retail_sync.records.ports.products import ProductWrite, VariantWrite
from retail_sync.records.products import Kind
from retail_sync.records.transforms import text_to_html
from retail_sync.settings.models import SyncSettings

ADD_VARIANT_PATH = "/api/2.1/products"
"""Adding one variant to a family is described for 2.1 only; the date versions list no endpoint for it."""
NOT_AT_THE_TILL = {
    "published": "a till has no online visibility",
    "images": "the till hosts its own copies of images",
}
NO_SUPPLIER = "the till keeps it per supplier, and the product has none"
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class ResolvedIds:
    """Ids of the names a write wants; "" = to be removed, None = not to be touched."""

    brand: str | None = None
    category: str | None = None
    supplier: str | None = None
    tags: tuple[str, ...] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Target:
    """A variant as it is in the store now, as far as a write has to respect it."""

    id: str
    sku: str
    codes: Sequence[Code]
    outlet_taxes: Mapping[str, str]
    price: int | None
    supplier_id: str | None
    units: Mapping[str, str]


@dataclass(frozen=True)
class Update:
    """One `PUT /products/{target_id}` and the changes it carries out."""

    target_id: str
    body: ProductUpdate
    change_ids: tuple[str, ...]


@dataclass(frozen=True)
class Addition:
    """One variant more for an existing family."""

    change_id: str
    sku: str
    body: ProductUpdate


Drop = Callable[[str, str, str], None]
"""(change id, field, why): a field the till can't hold."""


def rejected(code: str, message: str, remedy: str) -> RecordRejected:
    return RecordRejected(message, code=code, system=SYSTEM, remedy=remedy)


class ProductRequests:
    """Builds requests for one store."""

    def __init__(self, facts: StoreFacts, settings: SyncSettings) -> None:
        self._facts = facts
        self._settings = settings
        self._locale = settings.shop.till_locale
        self._price_rule = facts.price_rule(settings)
        self._price_field = PRICE_FIELDS[self._price_rule.kept]
        self._as_text = described_as_text(settings)
        self._places: dict[Kind, dict[str, Place]] = {
            "product": mapped_places(settings, "product"),
            "variant": mapped_places(settings, "variant"),
        }

    # ------------------------------------------------------------ creation

    def creation(self, write: ProductWrite, ids: ResolvedIds, drop: Drop) -> ProductCreate:
        """The one request that makes a product with all its variants. Raises RecordRejected where that can't be."""
        self._report_unholdable(write, drop)
        options = option_names(write)
        tax_id = self._tax_id(write.fields.get("tax_class"))
        sold = [self._new_variant(variant, options, ids, tax_id, drop) for variant in write.variants]
        top: dict[str, Any] = {
            **self._family_fields(write.fields),
            "brand_id": ids.brand or None,
            "product_category_id": ids.category or None,
            "supplier_id": ids.supplier or None,
            "tag_ids": list(ids.tags) if ids.tags else None,
            "source_id": f"{OWN_SOURCE_PREFIX}{write.idempotency_key}",
            "track_inventory": self.wants_tracking(write),
        }
        if not top.get("name"):
            raise rejected(
                "name_missing", "A product needs a name.", "Give it a name in the till's language."
            )
        if options:
            return ProductCreate.model_validate({**top, "variants": sold})
        if len(sold) != 1:
            raise rejected(
                "options_missing",
                f"{len(sold)} variants have no options that tell them apart.",
                "Map the attributes that differ in `products.options`.",
            )
        return ProductCreate.model_validate(
            {**top, **sold[0], "is_active": write.variants[0].fields.get("active")}
        )

    def wants_tracking(self, write: ProductWrite) -> bool:
        """Whether a product created by `write` counts its stock."""
        wanted = write.fields.get("tracked")
        return self._settings.products.tracked_by_default if wanted is None else bool(wanted)

    def finishing(
        self, write: ProductWrite, created: Mapping[str, str], *, tracked: bool, active: Mapping[str, bool]
    ) -> list[Update]:
        """What a creation could not carry and is wanted differently. `created`: change id -> new id; `tracked` and
        `active` (by change id): as the new products are now."""
        updates: dict[str, dict[str, Any]] = {}
        for variant in write.variants:
            wanted = variant.fields.get("active")
            late = self._measures(
                {n: v for n, v in variant.fields.items() if n in self._late_places(write)}, {}
            )
            if wanted is not None and bool(wanted) != active.get(variant.change_id, True):
                late["is_active"] = bool(wanted)
            if late:
                updates[variant.change_id] = {"details": Details.model_validate(late)}
        if self.wants_tracking(write) != tracked and created:
            first = next(iter(updates), next(iter(created)))
            updates.setdefault(first, {})["common"] = Common(track_inventory=self.wants_tracking(write))
        return [
            Update(created[change_id], ProductUpdate.model_validate(parts), (change_id,))
            for change_id, parts in updates.items()
        ]

    def carries_active(self, write: ProductWrite) -> bool:
        """Whether a creation says by itself which variant may be sold: described for standard products only."""
        return not option_names(write)

    def _late_places(self, write: ProductWrite) -> set[str]:
        """Mapped fields of variants that the creation of a family does not take."""
        if not option_names(write):
            return set()
        return {name for name, place in self._places["variant"].items() if place.write == "loyalty_amount"}

    def _new_variant(
        self, variant: VariantWrite, options: Sequence[str], ids: ResolvedIds, tax_id: str | None, drop: Drop
    ) -> dict[str, Any]:
        wanted = variant.fields
        sku = wanted.get("sku") or ""
        codes = [
            {"type": type_of(code), "code": code} for code in wanted.get("barcodes") or [] if code != sku
        ]
        body: dict[str, Any] = {
            **given(sku=sku or None, product_codes=codes or None),
            **given(supply_price=number(wanted.get("supply_price"))),
            **self._tax(tax_id, {}),
            **self._price(wanted.get("price"), self._rate(tax_id, {})),
            **self._measures(wanted, {}),
        }
        if options:
            body["variant_definitions"] = [
                {"attribute_id": ids.attributes[name], "value": value}
                for name, value in self._option_pairs(variant, options)
            ]
            body.pop("loyalty_amount", None)  # a creation takes it for standard products only
        code = wanted.get("supplier_code")
        if code and ids.supplier:
            body["supplier_code"] = code
        elif code:
            drop(variant.change_id, "supplier_code", NO_SUPPLIER)
        return body

    # ------------------------------------------------------------ update

    def retaxes(self, write: ProductWrite) -> bool:
        """Whether the write gives the product another tax class, which every member has to be told."""
        return bool(write.fields.get("tax_class"))

    @property
    def retaxing_reads(self) -> bool:
        """Whether another tax class needs to know the member's taxes at other outlets, or its price."""
        return self._facts.retailer.tax_exclusive or self._price_rule.converts

    def updates(
        self, write: ProductWrite, ids: ResolvedIds, targets: Mapping[str, Target], drop: Drop
    ) -> list[Update]:
        """One request for each changed variant; what all share goes with the first, or alone to one member.

        `targets` holds the changed variants, and all members where the tax changes.
        """
        self._report_unholdable(write, drop)
        by_target = {v.target_id: v for v in write.variants if v.action == "update" and v.target_id}
        tax_id = self._tax_id(write.fields.get("tax_class"))
        members = list(dict.fromkeys([*by_target, *(members_of(write) if self.retaxes(write) else ())]))
        details: dict[str, Details] = {}
        for member in members:
            fields = self._details(by_target.get(member), targets[member], ids, tax_id, drop)
            if fields:
                details[member] = Details.model_validate(fields)
        common = self._common(write, ids)
        updates = []
        for position, (member, changed) in enumerate(details.items()):
            variant = by_target.get(member)
            change_ids = [variant.change_id] if variant else []
            if write.change_id and (position == 0 or not variant):
                change_ids.append(write.change_id)
            body = ProductUpdate(common=common if position == 0 else None, details=changed)
            updates.append(Update(member, body, tuple(change_ids)))
        if common is not None and not updates:
            change_ids = [write.change_id] if write.change_id else []
            updates.append(Update(self._any_member(write), ProductUpdate(common=common), tuple(change_ids)))
        return updates

    def additions(self, write: ProductWrite, ids: ResolvedIds, drop: Drop) -> list[Addition]:
        """Requests that add variants to the family; it is found by its name, so they follow a rename."""
        new = [variant for variant in write.variants if variant.action == "create"]
        if not new:
            return []
        name_field = f"name.{self._locale}"
        name = write.fields.get(name_field) or write.current.get(name_field)
        options = write.fields.get("options") or write.current.get("options") or []
        if not name or not options:
            raise rejected(
                "not_a_family",
                "The target is a product without options, which takes no further variants.",
                "Give it options at the till, or delete it there so that it is created anew.",
            )
        overrides = _by_outlet(write.carry.get("outlet_taxes"))
        tax_id = self._tax_id(write.fields.get("tax_class") or _mapped(write.current.get("tax_class")))
        supplier = ids.supplier or next(iter(write.carry.get("supplier_ids") or ()), None)
        added = []
        for variant in new:
            empty = Target("", "", (), overrides, None, supplier, {})
            fields = {
                **self._details(variant, empty, ids, None, drop, options),
                **self._tax(tax_id, overrides),
                **self._price(variant.fields.get("price"), self._rate(tax_id, overrides)),
            }
            body = ProductUpdate(common=Common(name=name), details=Details.model_validate(fields))
            added.append(Addition(variant.change_id, variant.fields.get("sku") or "", body))
        return added

    def _details(
        self,
        variant: VariantWrite | None,
        target: Target,
        ids: ResolvedIds,
        tax_id: str | None,
        drop: Drop,
        options: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        wanted: Fields = variant.fields if variant else {}
        body = self._tax(tax_id, target.outlet_taxes) if tax_id else {}
        price = wanted.get("price")
        if price is None and tax_id and self._price_rule.converts:
            price = target.price  # the same canonical price is another price at another rate
        body |= self._price(price, self._rate(tax_id, target.outlet_taxes))
        if wanted.get("active") is not None:
            body["is_active"] = bool(wanted["active"])
        if wanted.get("sku") or wanted.get("barcodes") is not None:
            body["product_codes"] = self._codes(variant, target)
        if variant is not None and wanted.get("option_values") is not None:
            names = options or [str(name) for name, _ in wanted["option_values"]]
            body["variant_attribute_values"] = [
                {"attribute_id": ids.attributes[name], "attribute_value": value}
                for name, value in self._option_pairs(variant, names)
            ]
        if variant is not None:
            body |= self._supply(variant, ids, target, drop)
        return body | self._measures(wanted, target.units)

    def _codes(self, variant: VariantWrite | None, target: Target) -> list[Code]:
        """The whole list: the wanted SKU and barcodes, and the codes nobody here manages."""
        assert variant is not None
        multiple = self._settings.products.barcodes_multiple
        barcodes = variant.fields.get("barcodes")
        if barcodes is None:
            barcodes = variant.current.get("barcodes") or []
        return code_list(
            variant.fields.get("sku") or target.sku,
            barcodes,
            present=target.codes,
            old_sku=target.sku,
            multiple=multiple,
        )

    def _supply(self, variant: VariantWrite, ids: ResolvedIds, target: Target, drop: Drop) -> dict[str, Any]:
        """Cost and code belong to a supplier of the product: an update has no other place for them."""
        price, code = number(variant.fields.get("supply_price")), variant.fields.get("supplier_code")
        wanted = given(price=price, code=code)
        if not wanted:
            return {}
        supplier_id = target.supplier_id if ids.supplier is None else ids.supplier
        if not supplier_id:
            for name, value in (("supply_price", price), ("supplier_code", code)):
                if value is not None and value != "":
                    drop(variant.change_id, name, NO_SUPPLIER)
            return {}
        return {"product_suppliers": [{"supplier_id": supplier_id, **wanted}]}

    def _common(self, write: ProductWrite, ids: ResolvedIds) -> Common | None:
        body = self._family_fields(write.fields)
        body |= given(brand_id=ids.brand, product_category_id=ids.category)
        if ids.tags is not None:
            body["tag_ids"] = list(ids.tags)
        if ids.supplier is not None:
            others = [s for s in (write.carry.get("supplier_ids") or [])[1:] if s != ids.supplier]
            body["product_suppliers"] = [
                {"supplier_id": supplier_id}
                for supplier_id in ([ids.supplier, *others] if ids.supplier else [])
            ]
        if write.fields.get("tracked") is not None:
            body["track_inventory"] = bool(write.fields["tracked"])
        if write.fields.get("options"):
            names = option_names(write)
            body["variant_attributes"] = [{"attribute_id": ids.attributes[name]} for name in names]
        return Common.model_validate(body) if body else None

    # ------------------------------------------------------------ parts

    def _family_fields(self, wanted: Fields) -> dict[str, Any]:
        body = given(name=wanted.get(f"name.{self._locale}"))
        description = wanted.get(f"description.{self._locale}")
        if description is not None:
            body["description"] = text_to_html(description) if self._as_text else description
        for name, place in self._places["product"].items():
            if wanted.get(name) is not None:
                body[place.write] = str(wanted[name])
        return body

    def _measures(self, wanted: Fields, units: Mapping[str, str]) -> dict[str, Any]:
        body: dict[str, Any] = {}
        for name, place in self._places["variant"].items():
            value = number(wanted.get(name)) if place.type == "number" else wanted.get(name)
            if value is None or value == "":
                continue  # a measure can be changed, but not taken away
            body[place.write] = value
            if place.unit:
                body.setdefault(place.unit, units.get(place.unit) or DEFAULT_UNITS[place.unit])
        return body

    def _price(self, minor: Any, rate: Decimal | None) -> dict[str, Any]:
        if minor is None:
            return {}
        amount = self._price_rule.kept_amount(int(minor), rate)
        if amount is None:
            raise rejected(
                "price_not_exact",
                "The price can't be converted: the outlets tax this product differently.",
                "Give it one tax class, or set `products.price.tax` to the side the store keeps.",
            )
        return {self._price_field: amount}

    def _rate(self, tax_id: str | None, overrides: Mapping[str, str]) -> Decimal | None:
        taxation = self._facts.taxation_of_tax(tax_id) if tax_id else self._facts.taxation(overrides)
        return taxation.rate

    def _tax(self, tax_id: str | None, overrides: Mapping[str, str]) -> dict[str, Any]:
        """One tax for all outlets in tax-inclusive stores, a tax an outlet in tax-exclusive ones. Without a wanted tax
        the overrides are repeated. Outlets outside the configured locations keep theirs where the API lets them."""
        if not self._facts.retailer.tax_exclusive:
            only = tax_id or (next(iter(overrides.values())) if len(set(overrides.values())) == 1 else None)
            return {"all_outlets_tax": {"tax_id": only}} if only else {}
        by_outlet = dict(overrides) | (
            {outlet.id: tax_id for outlet in self._facts.outlets} if tax_id else {}
        )
        listed = [{"outlet_id": outlet_id, "tax_id": tax} for outlet_id, tax in by_outlet.items()]
        return {"outlet_taxes": listed} if listed else {}

    def _tax_id(self, tax_class: Any) -> str | None:
        """The id of the tax that a canonical tax class means; None where none is wanted. Raises RecordRejected."""
        if not tax_class:
            return None
        mapped = next(
            (t.lightspeed for t in self._settings.products.tax_classes if t.name == tax_class), None
        )
        tax = self._facts.tax_named(mapped) if mapped else None
        if tax is None:
            raise rejected(
                "tax_class_unmapped",
                f"The tax class {tax_class!r} has no tax in Lightspeed.",
                "Map it in `products.tax_classes` to a tax that exists, then run preflight.",
            )
        return tax.id

    def _option_pairs(self, variant: VariantWrite, options: Sequence[str]) -> list[tuple[str, str]]:
        held = {str(name): str(value) for name, value in variant.fields.get("option_values") or []}
        missing = [name for name in options if not held.get(name)]
        if missing:
            raise rejected(
                "option_missing",
                f"A variant has no value for {', '.join(missing)}.",
                "Every variant needs a value for each option of its product.",
            )
        return [(name, held[name]) for name in options]

    def _any_member(self, write: ProductWrite) -> str:
        """A product the family can be changed through: the parent, unless it is gone."""
        members = list(members_of(write))
        return str(write.target_id) if write.target_id in members else members[0]

    def _report_unholdable(self, write: ProductWrite, drop: Drop) -> None:
        for name, value in write.fields.items():
            if value is None or value in ("", []):
                continue
            why = self._why_not("product", name)
            if why:
                drop(write.change_id or write.variants[0].change_id, name, why)
        for variant in write.variants:
            for name, value in variant.fields.items():
                why = self._why_not("variant", name)
                if why and value is not None and value not in ("", []):
                    drop(variant.change_id, name, why)
                place = self._places["variant"].get(name)
                if place and value == "" and variant.action == "update":
                    drop(variant.change_id, name, "the till has no way to take it away, only to change it")

    def _why_not(self, kind: Kind, name: str) -> str | None:
        if name in NOT_AT_THE_TILL:
            return NOT_AT_THE_TILL[name]
        head, _, locale = name.partition(".")
        if head in ("name", "description") and locale != self._locale:
            return f"the till has one language, {self._locale}"
        if head == "attr" and name not in self._places[kind]:
            return "no field of the till is mapped to it"
        return None


def members_of(write: ProductWrite) -> Sequence[str]:
    """Ids of the target's variants today; of a product nothing more is known of, its own id."""
    return write.members or ([write.target_id] if write.target_id else [])


def option_names(write: ProductWrite) -> list[str]:
    """The options of the product, in order. Raises RecordRejected where they are more than the till takes."""
    names = [str(name) for name in write.fields.get("options") or []]
    if not names and write.variants and write.action == "create":
        names = [str(name) for name, _ in write.variants[0].fields.get("option_values") or []]
    if len(names) > MOST_OPTIONS:
        raise rejected(
            "too_many_options",
            f"A product has {len(names)} options, the till takes {MOST_OPTIONS}.",
            "Configure fewer options in `products.options`, or split the product.",
        )
    return names


def wanted_option_names(write: ProductWrite) -> list[str]:
    """Every option whose id the requests of this write need."""
    names = list(write.fields.get("options") or [])
    for variant in write.variants:
        names += [name for name, _ in variant.fields.get("option_values") or []]
    if any(variant.action == "create" for variant in write.variants):
        names += write.current.get("options") or []
    return list(dict.fromkeys(str(name) for name in names))


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _by_outlet(entries: Any) -> dict[str, str]:
    return {
        str(entry["outlet_id"]): str(entry["tax_id"])
        for entry in entries or []
        if isinstance(entry, Mapping) and entry.get("outlet_id") and entry.get("tax_id")
    }


def _mapped(tax_class: Any) -> Any:
    """A tax class that can be written; one that nothing maps (`?GST`) can't, and is repeated as it is."""
    return None if not tax_class or str(tax_class).startswith("?") else tax_class


def target_of(variant_id: str, current: Fields, carry: Fields) -> Target:
    """A variant's present state from what the adapter's own read carried."""
    price = current.get("price")
    return Target(
        id=variant_id,
        sku=str(current.get("sku") or ""),
        codes=carry.get("codes") or (),
        outlet_taxes=_by_outlet(carry.get("outlet_taxes")),
        price=None if price is None else int(price),
        supplier_id=carry.get("supplier_id"),
        units=carry.get("units") or {},
    )
