"""Customers, orders and the small resources they hang on, kept as they are given.

Customers and orders know the fields and actions a shop needs to be filled with; prices, taxes and stock of an
order are taken as given, as the order import of the API does.
"""

from __future__ import annotations

from typing import Any

from include.sandbox.clock import to_millis
from include.sandbox.commercetools import shapes
from include.sandbox.commercetools.catalogue import key_of
from include.sandbox.commercetools.collection import Action, Context, Kind
from include.sandbox.commercetools.errors import Json, invalid_field, required_field
from include.sandbox.commercetools.prices import (
    change_value,
    channel_with_role,
    money,
    set_text,
    stored_money,
)
from include.sandbox.commercetools.products import variants_of
from include.sandbox.commercetools.shapes import Shape, as_stored_moment, words

_WRITTEN = "id version key createdAt lastModifiedAt custom "

# --- custom fields ---------------------------------------------------------------------------------------------------


def _set_custom_type(context: Context, resource: Json, action: Json) -> None:
    resource.pop("custom", None)
    if "type" in action:
        resource["custom"] = {
            "type": context.reference(action["type"], "type"),
            "fields": action.get("fields", {}),
        }


def _set_custom_field(context: Context, resource: Json, action: Json) -> None:
    if "custom" not in resource:
        raise invalid_field("custom", None, "The resource has no type set; set one before its fields.")
    resource["custom"]["fields"].pop(action["name"], None)
    if "value" in action:
        resource["custom"]["fields"][action["name"]] = action["value"]


CUSTOM_ACTIONS = {
    "setCustomType": Action(
        _set_custom_type, Shape(optional={"type": shapes.reference, "fields": shapes.mapping})
    ),
    "setCustomField": Action(_set_custom_field, Shape({"name": shapes.text}, {"value": shapes.anything})),
}


# --- customers -------------------------------------------------------------------------------------------------------

_PLAIN = words(
    "externalId firstName lastName middleName title salutation dateOfBirth companyName vatId",
    "locale",
)


def _build_customer(context: Context, draft: Json) -> Json:
    mode = draft.get("authenticationMode", "Password")
    if mode == "Password" and not draft.get("password"):
        raise required_field("password")
    addresses = [
        {"id": context.project.store.new_id()[:8], **address} for address in draft.get("addresses") or []
    ]
    customer: Json = {
        "email": draft["email"],
        "addresses": addresses,
        "shippingAddressIds": _chosen(addresses, draft.get("shippingAddresses") or [], "shippingAddresses"),
        "billingAddressIds": _chosen(addresses, draft.get("billingAddresses") or [], "billingAddresses"),
        "isEmailVerified": draft.get("isEmailVerified", False),
        "stores": [],
        "authenticationMode": mode,
        "customerGroupAssignments": [],
    }
    for name in ("key", "customerNumber", *_PLAIN):
        if name in draft:
            customer[name] = draft[name]
    for name in ("defaultShippingAddress", "defaultBillingAddress"):
        if name in draft:
            (chosen,) = _chosen(addresses, [draft[name]], name)
            customer[f"{name}Id"] = chosen
            ids = customer[name.removeprefix("default")[0].lower() + name.removeprefix("default")[1:] + "Ids"]
            if chosen not in ids:
                ids.append(chosen)
    if "customerGroup" in draft:
        customer["customerGroup"] = context.reference(draft["customerGroup"], "customer-group")
    if "custom" in draft:
        customer["custom"] = context.project.resolved(context, draft["custom"])
    return customer


def _chosen(addresses: list[Json], positions: list[int], field: str) -> list[str]:
    for position in positions:
        if not 0 <= position < len(addresses):
            raise invalid_field(field, position, f"There is no address number {position}.")
    return [addresses[position]["id"] for position in positions]


def _customer_unique(customer: Json) -> list[tuple[str, Any]]:
    numbered = [("customerNumber", customer["customerNumber"])] if "customerNumber" in customer else []
    return [*key_of(customer), *numbered, ("email", customer["email"].lower())]


_ADDRESS = shapes.shaped(
    Shape(
        {"country": shapes.text},
        dict.fromkeys(
            words(
                "id key title salutation firstName lastName streetName streetNumber additionalStreetInfo",
                "postalCode city region state company department building apartment pOBox phone mobile email",
                "fax additionalAddressInfo externalId",
            ),
            shapes.text,
        )
        | {"custom": shapes.mapping},
    )
)

CUSTOMERS = Kind(
    path="customers",
    type_id="customer",
    draft=Shape(
        {"email": shapes.text},
        {
            **dict.fromkeys((*_PLAIN, "customerNumber", "password", "anonymousId"), shapes.text),
            "key": shapes.key,
            "addresses": shapes.list_of(_ADDRESS),
            "defaultShippingAddress": shapes.integer,
            "defaultBillingAddress": shapes.integer,
            "shippingAddresses": shapes.list_of(shapes.integer),
            "billingAddresses": shapes.list_of(shapes.integer),
            "isEmailVerified": shapes.boolean,
            "authenticationMode": shapes.one_of("Password", "ExternalAuth"),
            "customerGroup": shapes.reference,
            "custom": shapes.mapping,
        },
    ),
    build=_build_customer,
    actions={
        **{f"set{name[0].upper()}{name[1:]}": set_text(name) for name in _PLAIN},
        "changeEmail": change_value("email", shapes.text),
        "setKey": set_text("key", shapes.key),
        **CUSTOM_ACTIONS,
    },
    fields=frozenset(
        (
            _WRITTEN
            + "customerNumber email lowercaseEmail addresses defaultShippingAddressId shippingAddressIds stores "
            "defaultBillingAddressId billingAddressIds isEmailVerified customerGroup customerGroupAssignments "
            "authenticationMode"
        ).split()
    )
    | frozenset(_PLAIN),
    view_scopes=("view_customers",),
    manage_scopes=("manage_customers",),
    unique=_customer_unique,
    # Query-only field, confirmed by a vendor maintainer (commercetools-dotnet-core-sdk issue 138), in no description.
    query_view=lambda customer: {**customer, "lowercaseEmail": customer["email"].lower()},
)


# --- orders ----------------------------------------------------------------------------------------------------------

_STATES = {
    "orderState": shapes.one_of("Open", "Confirmed", "Complete", "Cancelled"),
    "paymentState": shapes.one_of("BalanceDue", "Failed", "Pending", "CreditOwed", "Paid"),
    "shipmentState": shapes.one_of(
        "Shipped", "Delivered", "Ready", "Pending", "Delayed", "Partial", "Backorder", "Canceled"
    ),
}


def _typed_money(value: Any) -> Any:
    """The same document with every money carrying its type and fraction digits."""
    if isinstance(value, list):
        return [_typed_money(item) for item in value]
    if isinstance(value, dict):
        if "currencyCode" in value and "centAmount" in value:
            return stored_money(value)
        return {name: _typed_money(item) for name, item in value.items()}
    return value


def _line_item(context: Context, draft: Json) -> Json:
    item: Json = {
        "id": context.project.store.new_id(),
        "lineItemMode": "Standard",
        "priceMode": "ExternalTotal",
        "state": [],
        "discountedPricePerQuantity": [],
        "perMethodTaxRate": [],
        "taxedPricePortions": [],
        **draft,
    }
    item["price"] = {"id": context.project.store.new_id(), **draft["price"]}
    unit = draft["price"]["value"]
    item["totalPrice"] = {**unit, "centAmount": unit["centAmount"] * draft["quantity"]}
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


def _build_order(context: Context, draft: Json) -> Json:
    order: Json = _typed_money(context.project.resolved(context, draft))
    return {
        "orderState": "Open",
        "taxMode": "Platform",
        "taxRoundingMode": "HalfEven",
        "taxCalculationMode": "LineItemLevel",
        "priceRoundingMode": "HalfEven",
        "inventoryMode": "None",
        "shippingMode": "Single",
        "origin": "Customer",
        "customLineItems": [],
        "shipping": [],
        "discountCodes": [],
        "directDiscounts": [],
        "itemShippingAddresses": [],
        "refusedGifts": [],
        "syncInfo": [],
        "returnInfo": [],
        **order,
        "lineItems": [_line_item(context, item) for item in order.get("lineItems", [])],
    }


def _order_unique(order: Json) -> list[tuple[str, Any]]:
    return (
        [("key", order["orderNumber"]), ("orderNumber", order["orderNumber"])]
        if "orderNumber" in order
        else []
    )


def _update_sync_info(context: Context, order: Json, action: Json) -> None:
    """Whether a second entry of the same channel replaces the first is unknown: `store.sync_info_appends` decides."""
    role = "OrderImport" if order["origin"] == "Import" else "OrderExport"
    entry: Json = {"channel": channel_with_role(context, action["channel"], role)}
    if "externalId" in action:
        entry["externalId"] = action["externalId"]
    now = to_millis(context.project.store.clock.now())
    entry["syncedAt"] = as_stored_moment(action["syncedAt"]) if "syncedAt" in action else now
    kept = order["syncInfo"]
    if not context.project.store.sync_info_appends:
        kept = [old for old in kept if old["channel"] != entry["channel"]]
    order["syncInfo"] = [*kept, entry]


_ORDER_OPTIONAL: dict[str, shapes.Check] = {
    **dict.fromkeys(("orderNumber", "customerId", "customerEmail", "country"), shapes.text),
    **dict.fromkeys(
        ("taxedPrice", "shippingInfo", "shippingAddress", "billingAddress", "paymentInfo", "custom", "store"),
        shapes.mapping,
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
                dict.fromkeys(
                    ["taxRate", "supplyChannel", "distributionChannel", "custom", "productId", "state"],
                    shapes.anything,
                ),
            )
        )
    ),
    "customLineItems": shapes.list_of(shapes.mapping),
    "inventoryMode": shapes.one_of("None", "TrackOnly", "ReserveOnOrder", "ReserveOnCart"),
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
        "updateSyncInfo": Action(
            _update_sync_info,
            Shape({"channel": shapes.reference}, {"externalId": shapes.text, "syncedAt": shapes.moment}),
        ),
        **CUSTOM_ACTIONS,
    },
    fields=frozenset(
        (
            _WRITTEN
            + "totalPrice taxedShippingPrice discountOnTotalPrice customLineItems shipping discountCodes "
            "directDiscounts state syncInfo returnInfo taxMode shippingMode anonymousId purchaseOrderNumber"
        ).split()
    )
    | frozenset(_ORDER_OPTIONAL),
    view_scopes=("view_orders",),
    manage_scopes=("manage_orders",),
    unique=_order_unique,
)


# --- small resources, as they are given -----------------------------------------------------------------------------


class _Open(Shape):
    """Any object will do."""

    def check(self, value: Any, where: str = "") -> None:
        shapes.mapping(value, where or "body")


def _as_given(context: Context, draft: Json) -> Json:
    stored: Json = _typed_money(context.project.resolved(context, draft))
    return stored


def _plain_kind(path: str, type_id: str, scope: str, fields: str) -> Kind:
    return Kind(
        path=path,
        type_id=type_id,
        draft=_Open(),
        build=_as_given,
        actions={"setKey": set_text("key", shapes.key), **CUSTOM_ACTIONS},
        fields=frozenset((_WRITTEN + fields).split()),
        view_scopes=(f"view_{scope}",),
        manage_scopes=(f"manage_{scope}",),
        unique=key_of,
    )


PLAIN_KINDS = (
    _plain_kind("types", "type", "types", "name description resourceTypeIds fieldDefinitions"),
    _plain_kind("states", "state", "states", "type name description initial builtIn roles transitions"),
    _plain_kind(
        "product-discounts",
        "product-discount",
        "products",
        "name description value predicate sortOrder isActive references validFrom validUntil",
    ),
    _plain_kind("zones", "zone", "shipping_methods", "name description locations"),
    _plain_kind(
        "shipping-methods",
        "shipping-method",
        "shipping_methods",
        "name taxCategory zoneRates active isDefault",
    ),
    _plain_kind("customer-groups", "customer-group", "customers", "name"),
    _plain_kind(
        "payments", "payment", "payments", "customer interfaceId amountPlanned paymentMethodInfo transactions"
    ),
)
