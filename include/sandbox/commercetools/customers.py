"""Customers and their groups: the fields and actions a shop needs to be filled with."""

from __future__ import annotations

from typing import Any

from include.sandbox.commercetools import shapes
from include.sandbox.commercetools.catalogue import key_of
from include.sandbox.commercetools.collection import Context, Kind
from include.sandbox.commercetools.custom_fields import CUSTOM_ACTIONS, WRITTEN
from include.sandbox.commercetools.errors import Json, invalid_field, required_field
from include.sandbox.commercetools.prices import (
    change_value,
    set_text,
)
from include.sandbox.commercetools.shapes import Shape, words

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
            WRITTEN
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


# --- customer groups -------------------------------------------------------------------------------------------------


def _build_group(context: Context, draft: Json) -> Json:
    """The draft says `groupName` where the group says `name`."""
    group = context.project.resolved(context, draft)
    return {"name": group.pop("groupName"), **group}


CUSTOMER_GROUPS = Kind(
    path="customer-groups",
    type_id="customer-group",
    draft=Shape({"groupName": shapes.text}, {"key": shapes.key, "custom": shapes.mapping}),
    build=_build_group,
    actions={
        "changeName": change_value("name", shapes.text),
        "setKey": set_text("key", shapes.key),
        **CUSTOM_ACTIONS,
    },
    fields=frozenset((WRITTEN + "name").split()),
    view_scopes=("view_customers", "view_customer_groups"),
    manage_scopes=("manage_customers", "manage_customer_groups"),
    unique=lambda group: [*key_of(group), ("name", group["name"])],
)
