"""Orders, taken as they are given: prices and taxes are not computed, as in the order import of the API. Orders with
all that a shop works out are made by `check_out`.

Stock moves as the inventory mode says, see `order_stock`. `order_draft` is an import as a shop writes it at check-out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.commercetools import order_stock, shapes
from sandbox.commercetools.catalogue import queryable
from sandbox.commercetools.custom_fields import CUSTOM_ACTIONS, typed_money
from sandbox.commercetools.errors import ApiError, Json, invalid_field
from sandbox.commercetools.order_returns import RETURN_ACTIONS
from sandbox.commercetools.order_stock import INVENTORY_MODES
from sandbox.commercetools.prices import (
    change_value,
    channel_with_role,
    money,
    selected_price,
    set_text,
)
from sandbox.commercetools.products import variants_of
from sandbox.commercetools.shapes import Shape, as_stored_moment, empty_lists
from sandbox.commercetools.state import Action, Context, Kind, Project
from sandbox.commercetools.taxing import portions_of, taxed

# --- orders ----------------------------------------------------------------------------------------------------------

_STATES = {
    "orderState": shapes.one_of("Open", "Confirmed", "Complete", "Cancelled"),
    "paymentState": shapes.one_of("BalanceDue", "Failed", "Pending", "CreditOwed", "Paid"),
    "shipmentState": shapes.one_of(
        "Shipped", "Delivered", "Ready", "Pending", "Delayed", "Partial", "Backorder", "Canceled"
    ),
}


LINE_LISTS = "state discountedPricePerQuantity perMethodTaxRate taxedPricePortions"
ORDER_LISTS = "shipping discountCodes directDiscounts itemShippingAddresses refusedGifts syncInfo returnInfo"


def _line_item(context: Context, draft: Json) -> Json:
    item: Json = {
        "id": context.project.platform.new_id(),
        "lineItemMode": "Standard",
        "priceMode": "ExternalTotal",
        **empty_lists(LINE_LISTS),
        **draft,
    }
    item["price"] = {"id": context.project.platform.new_id(), **draft["price"]}
    unit = draft["price"]["value"]
    item |= _amounts(context, draft, unit)
    if "supplyChannel" in draft:
        item["supplyChannel"] = channel_with_role(context, draft["supplyChannel"], "InventorySupply")
    sku = draft["variant"].get("sku")
    product = context.project.collection("products").find_by("sku", sku)
    # An order may name a SKU the shop no longer has; its line item then is all there is.
    item["variant"] = {"id": 1, **draft["variant"]}
    if product is not None:
        item["productId"] = product["id"]
        item["productType"] = product["productType"]
        found = (each for each in variants_of(product["masterData"]["current"]) if each.get("sku") == sku)
        item["variant"] = next(found, item["variant"])
    return item


def _custom_line_item(context: Context, draft: Json) -> Json:
    unit = draft["money"]
    return {
        "id": context.project.platform.new_id(),
        **empty_lists(LINE_LISTS),
        "priceMode": "Standard",
        **draft,
        **_amounts(context, draft, unit),
    }


def _amounts(context: Context, draft: Json, unit: Json) -> Json:
    """Total and taxes of an imported line: `taxedPrice` is kept as it is sent, and else derived from the rate, as the
    API documents since 3 September 2026. A project that does not know it yet ignores it
    (`store.imports_taxed_prices`). Raises `InvalidField` for taxes without a rate."""
    total = {**unit, "centAmount": unit["centAmount"] * draft["quantity"]}
    rate, sent = draft.get("taxRate"), draft.get("taxedPrice")
    if sent is not None and rate is None:
        raise invalid_field("taxedPrice", sent, "The field 'taxRate' is required, too.")
    if rate is None:
        return {"totalPrice": total}
    if sent is None or not context.project.platform.imports_taxed_prices:
        net, gross = taxed(rate, total["centAmount"])
        sent = {
            "totalNet": {**total, "centAmount": net},
            "totalGross": {**total, "centAmount": gross},
            "taxPortions": [
                {"rate": share, "name": name, "amount": {**total, "centAmount": part}}
                for share, name, part in portions_of(rate, gross - net)
            ],
        }
    return {"totalPrice": total, "taxedPrice": _taxed_price(sent)}


def _shipping_info(draft: Json) -> Json:
    rate = {"tiers": [], **draft["shippingRate"]}
    return {"shippingMethodState": "MatchesCart", "deliveries": [], **draft, "shippingRate": rate}


def _taxed_price(draft: Json) -> Json:
    """With the tax, which older orders and drafts need not name."""
    net, gross = draft["totalNet"], draft["totalGross"]
    return {"totalTax": {**gross, "centAmount": gross["centAmount"] - net["centAmount"]}, **draft}


def _build_order(context: Context, draft: Json) -> Json:
    given: Json = typed_money(context.project.resolved(context, draft))
    order: Json = {
        "orderState": "Open",
        "taxMode": "Platform",
        "taxRoundingMode": "HalfEven",
        "taxCalculationMode": "LineItemLevel",
        "priceRoundingMode": "HalfEven",
        "inventoryMode": "None",
        "shippingMode": "Single",
        "origin": "Customer",
        **empty_lists(ORDER_LISTS),
        **given,
        "lineItems": [_line_item(context, item) for item in given.get("lineItems", [])],
        "customLineItems": [_custom_line_item(context, item) for item in given.get("customLineItems", [])],
    }
    if "shippingInfo" in given:
        order["shippingInfo"] = _shipping_info(given["shippingInfo"])
    if "taxedPrice" in given:
        order["taxedPrice"] = _taxed_price(given["taxedPrice"])
    if "completedAt" in given:
        order["completedAt"] = as_stored_moment(given["completedAt"])
    order_stock.check(context.project, order)
    return order


def _order_unique(order: Json) -> list[tuple[str, Any]]:
    return (
        [("key", order["orderNumber"]), ("orderNumber", order["orderNumber"])]
        if "orderNumber" in order
        else []
    )


def _marking_channel(context: Context, given: Json) -> Json:
    """One that may export orders, or import them: either will do for any order (documented)."""
    try:
        return channel_with_role(context, given, "OrderImport")
    except ApiError:
        return channel_with_role(context, given, "OrderExport")


def _update_sync_info(context: Context, order: Json, action: Json) -> None:
    """Whether a second entry of the same channel replaces the first is unknown: `store.sync_info_appends` decides."""
    entry: Json = {"channel": _marking_channel(context, action["channel"])}
    if "externalId" in action:
        entry["externalId"] = action["externalId"]
    now = context.project.platform.now()
    entry["syncedAt"] = as_stored_moment(action["syncedAt"]) if "syncedAt" in action else now
    kept = order["syncInfo"]
    if not context.project.platform.sync_info_appends:
        kept = [old for old in kept if old["channel"] != entry["channel"]]
    order["syncInfo"] = [*kept, entry]


def _add_payment(context: Context, order: Json, action: Json) -> None:
    reference = context.reference(action["payment"], "payment")
    paid = order.setdefault("paymentInfo", {"payments": []})["payments"]
    if reference not in paid:
        paid.append(reference)


def _remove_payment(context: Context, order: Json, action: Json) -> None:
    reference = context.reference(action["payment"], "payment")
    kept = [each for each in order.get("paymentInfo", {}).get("payments", []) if each != reference]
    order.pop("paymentInfo", None)
    if kept:
        order["paymentInfo"] = {"payments": kept}


def _created(context: Context, order: Json) -> None:
    order_stock.take(context.project, order)


def _skus(order: Json | None) -> set[str]:
    lines = order["lineItems"] if order is not None else []
    return {line["variant"]["sku"] for line in lines if "sku" in line["variant"]}


def _changed(project: Project, before: Json | None, after: Json | None) -> None:
    project.note_skus("orders", (after or before or {})["id"], _skus(before), _skus(after))
    order_stock.note(project, before, after)


def _index(project: Project, path: str, value: Any) -> set[str] | None:
    return project.ids_with_sku("orders", value) if path == "lineItems.variant.sku" else None


_taxed = shapes.shaped(
    Shape(
        {"totalNet": money, "totalGross": money},
        {"totalTax": money, "taxPortions": shapes.list_of(shapes.mapping)},
    )
)

_ORDER_OPTIONAL: dict[str, shapes.Check] = {
    **dict.fromkeys(("orderNumber", "customerId", "customerEmail", "country"), shapes.text),
    **dict.fromkeys(
        ("shippingAddress", "billingAddress", "paymentInfo", "custom", "store"),
        shapes.mapping,
    ),
    "taxedPrice": shapes.shaped(
        Shape(
            {"totalNet": money, "totalGross": money, "taxPortions": shapes.list_of(shapes.mapping)},
            {"totalTax": money},
        )
    ),
    "shippingInfo": shapes.shaped(
        Shape(
            {"shippingMethodName": shapes.text, "price": money, "shippingRate": shapes.mapping},
            {
                "shippingMethod": shapes.reference,
                "taxCategory": shapes.reference,
                "shippingMethodState": shapes.text,
                "taxedPrice": _taxed,
                **dict.fromkeys(("taxRate", "deliveries", "discountedPrice"), shapes.anything),
            },
        )
    ),
    "lineItems": shapes.list_of(
        shapes.shaped(
            Shape(
                {
                    "name": shapes.localized,
                    "variant": shapes.mapping,
                    "quantity": shapes.integer,
                    "price": shapes.shaped(
                        Shape({"value": money}, dict.fromkeys(("country", "channel"), shapes.anything))
                    ),
                },
                {
                    **dict.fromkeys(
                        ("taxRate", "distributionChannel", "custom", "productId", "state"), shapes.anything
                    ),
                    "taxedPrice": _taxed,
                    "supplyChannel": shapes.reference,
                    "inventoryMode": shapes.one_of(*INVENTORY_MODES),
                },
            )
        )
    ),
    "customLineItems": shapes.list_of(
        shapes.shaped(
            Shape(
                {"name": shapes.localized, "slug": shapes.text, "quantity": shapes.integer, "money": money},
                {
                    **dict.fromkeys(("taxRate", "custom", "state", "shippingDetails"), shapes.anything),
                    "key": shapes.key,
                    "taxedPrice": _taxed,
                    "taxCategory": shapes.reference,
                    "priceMode": shapes.one_of("Standard", "External"),
                },
            )
        )
    ),
    "inventoryMode": shapes.one_of(*INVENTORY_MODES),
    "customerGroup": shapes.reference,
    "completedAt": shapes.moment,
    "taxRoundingMode": shapes.text,
    "taxCalculationMode": shapes.text,
    "priceRoundingMode": shapes.text,
    "origin": shapes.text,
    **_STATES,
}

ORDERS = Kind(
    path="orders",
    type_id="order",
    draft=Shape({"totalPrice": money}, _ORDER_OPTIONAL),
    build=_build_order,
    actions={
        **{
            f"change{name[0].upper()}{name[1:]}": change_value(name, check) for name, check in _STATES.items()
        },
        "setOrderNumber": set_text("orderNumber"),
        "setCustomerId": set_text("customerId"),
        "setCustomerEmail": set_text("customerEmail", given="email"),
        "setShippingAddress": set_text("shippingAddress", shapes.mapping, given="address"),
        "setBillingAddress": set_text("billingAddress", shapes.mapping, given="address"),
        "addPayment": Action(_add_payment, Shape({"payment": shapes.reference})),
        "removePayment": Action(_remove_payment, Shape({"payment": shapes.reference})),
        "updateSyncInfo": Action(
            _update_sync_info,
            Shape({"channel": shapes.reference}, {"externalId": shapes.text, "syncedAt": shapes.moment}),
        ),
        **RETURN_ACTIONS,
        **CUSTOM_ACTIONS,
    },
    fields=queryable(
        "totalPrice taxedShippingPrice discountOnTotalPrice customLineItems shipping discountCodes "
        "directDiscounts state syncInfo returnInfo taxMode shippingMode anonymousId purchaseOrderNumber"
    )
    | frozenset(_ORDER_OPTIONAL),
    scopes=("orders",),
    unique=_order_unique,
    created=_created,
    changed=_changed,
    index=_index,
)


CURRENCY = "EUR"


NO_PRICE: Json = {"currencyCode": CURRENCY, "centAmount": 100}
"""What a line costs whose variant has no price: stock is what such orders are about."""


Line = tuple[str, int, str | None]
"""SKU, quantity, and the key of the supply channel, if one is named."""


def order_draft(
    project: Project, lines: Iterable[Line], mode: str, number: str | None, fields: dict[str, Any]
) -> Json:
    """An `OrderImportDraft` for these lines; `fields` are laid over it."""
    items = [_line(project, *line) for line in lines]
    total = sum(item["price"]["value"]["centAmount"] * item["quantity"] for item in items)
    draft: Json = {
        "totalPrice": {"currencyCode": CURRENCY, "centAmount": total},
        "inventoryMode": mode,
        "lineItems": items,
    }
    if number is not None:
        draft["orderNumber"] = number
    return {**draft, **fields}


def _line(project: Project, sku: str, quantity: int, channel: str | None) -> Json:
    product = project.collection("products").find_by("sku", sku)
    name, value = {project.settings["languages"][0]: sku}, NO_PRICE
    if product is not None:
        data = product["masterData"]["current"]
        name = data["name"]
        value = next((_price(project, each) for each in variants_of(data) if each.get("sku") == sku), value)
    item: Json = {
        "name": name,
        "variant": {"sku": sku},
        "quantity": quantity,
        "price": {"value": {"currencyCode": CURRENCY, "centAmount": value["centAmount"]}},
    }
    if channel is not None:
        item["supplyChannel"] = {"typeId": "channel", "key": channel}
    return item


def _price(project: Project, variant: Json) -> Json:
    now = project.platform.now()
    chosen = selected_price(variant.get("prices", []), CURRENCY, None, None, now)
    value: Json = chosen["value"] if chosen is not None else NO_PRICE
    return value
