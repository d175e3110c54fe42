"""Customers and their groups: who they are, which stores they belong to, and that an e-mail is somebody's only once."""

from __future__ import annotations

import re
from typing import Any

from sandbox.commercetools import shapes
from sandbox.commercetools.catalogue import key_of, queryable
from sandbox.commercetools.custom_fields import CUSTOM_ACTIONS, check_custom
from sandbox.commercetools.customer_addresses import (
    ADDRESS,
    ADDRESS_ACTIONS,
    address_fields,
    check_address_keys,
)
from sandbox.commercetools.errors import (
    ApiError,
    Json,
    duplicate_field,
    invalid_field,
    invalid_operation,
    reference_not_found,
    required_field,
)
from sandbox.commercetools.prices import change_value, put_list, set_reference, set_text
from sandbox.commercetools.shapes import Shape, words
from sandbox.commercetools.state import Action, Context, Kind, Project

# --- customers -------------------------------------------------------------------------------------------------------

_PLAIN = dict.fromkeys(
    words("externalId firstName lastName middleName title salutation companyName vatId locale"), shapes.text
) | {"dateOfBirth": shapes.day}
_MODE = shapes.one_of("Password", "ExternalAuth")
_ASSIGNMENTS = shapes.list_of(shapes.shaped(Shape({"customerGroup": shapes.reference})), at_most=500)
_STORES = shapes.list_of(shapes.reference, at_most=500)
_STORE = Shape({"store": shapes.reference})
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _build_customer(context: Context, draft: Json) -> Json:
    mode = draft.get("authenticationMode", "Password")
    if mode == "Password" and not draft.get("password"):
        raise required_field("password")
    customer: Json = {
        "email": draft["email"],
        **address_fields(context, draft),
        "isEmailVerified": draft.get("isEmailVerified", False),
        "stores": _stores(context, draft.get("stores") or []),
        "authenticationMode": mode,
        "customerGroupAssignments": _assignments(context, draft.get("customerGroupAssignments") or []),
    }
    for name in ("key", "customerNumber", *_PLAIN):
        if name in draft:
            customer[name] = draft[name]
    if "customerGroup" in draft:
        customer["customerGroup"] = context.reference(draft["customerGroup"], "customer-group")
    if "custom" in draft:
        custom = context.project.resolved(context, draft["custom"])
        customer["custom"] = {"fields": {}, **custom}
    return customer


def _check_customer(context: Context, customer: Json) -> None:
    """What holds for a customer as a whole. That the platform refuses each of these is official or plain, the codes are
    inferred."""
    if _EMAIL.fullmatch(customer["email"]) is None:
        raise invalid_field("email", customer["email"], f"'{customer['email']}' is not an e-mail address.")
    languages = context.project.settings["languages"]
    if customer.get("locale", languages[0]) not in languages:
        message = f"The locale '{customer['locale']}' is none of the project's languages."
        raise invalid_field("locale", customer["locale"], message, languages)
    check_address_keys(customer["addresses"])
    check_custom(context, customer, CUSTOMERS.type_id)


def _store(context: Context, given: Json) -> Json:
    """Stores are referred to by key on the customer, whatever the draft named them by."""
    collection = context.project.by_type("store")
    found = collection.find(id=given.get("id"), key=given.get("key"))
    if found is None:
        raise reference_not_found("store", id=given.get("id"), key=given.get("key"))
    return {"typeId": "store", "key": found["key"]}


def _stores(context: Context, given: list[Json]) -> list[Json]:
    stores: list[Json] = []
    for each in given:
        store = _store(context, each)
        if store not in stores:
            stores.append(store)
    return stores


def _assignments(context: Context, given: list[Json]) -> list[Json]:
    assigned: list[Json] = []
    for each in given:
        group = context.reference(each["customerGroup"], "customer-group")
        if {"customerGroup": group} not in assigned:
            assigned.append({"customerGroup": group})
    return assigned


# Uniqueness: within each of the customer's stores, or among all customers without a store.


def _unique(customer: Json) -> list[tuple[str, Any]]:
    numbered = [("customerNumber", customer["customerNumber"])] if "customerNumber" in customer else []
    places = [store["key"] for store in customer["stores"]] or [None]
    email = customer["email"].lower()
    return [*key_of(customer), *numbered, *(("email", (email, place)) for place in places)]


def _conflict(customer: Json, name: str, value: Any) -> ApiError:
    return duplicate_field(name, customer["email"] if name == "email" else value)


# Look-ups: by what a synchronisation asks for, other than the key, which every resource is found by.


def _query_view(customer: Json) -> Json:
    # Query-only field, confirmed by a vendor maintainer (commercetools-dotnet-core-sdk issue 138), in no description.
    return {**customer, "lowercaseEmail": customer["email"].lower()}


_LOOKED_UP = ("lowercaseEmail", "email", "externalId")


def _changed(project: Project, before: Json | None, after: Json | None) -> None:
    id = (after or before or {})["id"]
    old, new = (_query_view(each) if each is not None else {} for each in (before, after))
    for name in _LOOKED_UP:
        values = ({each[name]} if name in each else set() for each in (old, new))
        project.note_skus(f"customers.{name}", id, *values)


def _index(project: Project, path: str, value: Any) -> set[str] | None:
    if path == "customerNumber":
        return project.collection("customers").holders(path, value)
    return project.ids_with_sku(f"customers.{path}", value) if path in _LOOKED_UP else None


# Update actions.


def _change_email(context: Context, customer: Json, action: Json) -> None:
    customer["email"] = action["email"]
    customer["isEmailVerified"] = False


def _set_number(context: Context, customer: Json, action: Json) -> None:
    """Once set it stays, which is official; the code is inferred."""
    if "customerNumber" in customer:
        raise invalid_operation("A customer number already exists and cannot be set again.")
    if "customerNumber" in action:
        customer["customerNumber"] = action["customerNumber"]


def _without(given: list[Json], removed: Json) -> list[Json]:
    return [each for each in given if each != removed]


def _set_mode(context: Context, customer: Json, action: Json) -> None:
    if action["authMode"] == "Password" and not action.get("password"):
        raise required_field("password")
    customer["authenticationMode"] = action["authMode"]


_ACTIONS: dict[str, Action] = {
    **{f"set{name[0].upper()}{name[1:]}": set_text(name, check) for name, check in _PLAIN.items()},
    "changeEmail": Action(_change_email, Shape({"email": shapes.text})),
    "setKey": set_text("key", shapes.key),
    "setCustomerNumber": Action(_set_number, Shape(optional={"customerNumber": shapes.text})),
    "setCustomerGroup": set_reference("customerGroup", "customer-group"),
    "setCustomerGroupAssignments": put_list(
        "customerGroupAssignments",
        lambda context, _, action: _assignments(context, action["customerGroupAssignments"]),
        Shape({"customerGroupAssignments": _ASSIGNMENTS}),
    ),
    "addCustomerGroupAssignment": put_list(
        "customerGroupAssignments",
        lambda context, old, action: [
            *old,
            *(one for one in _assignments(context, [action["customerGroupAssignment"]]) if one not in old),
        ],
        Shape({"customerGroupAssignment": shapes.shaped(Shape({"customerGroup": shapes.reference}))}),
    ),
    "removeCustomerGroupAssignment": put_list(
        "customerGroupAssignments",
        lambda context, old, action: _without(old, *_assignments(context, [action])),
        Shape({"customerGroup": shapes.reference}),
    ),
    "setStores": put_list(
        "stores", lambda context, _, action: _stores(context, action["stores"]), Shape({"stores": _STORES})
    ),
    "addStore": put_list(
        "stores", lambda context, old, action: _stores(context, [*old, action["store"]]), _STORE
    ),
    "removeStore": put_list(
        "stores", lambda context, old, action: _without(old, _store(context, action["store"])), _STORE
    ),
    "setAuthenticationMode": Action(_set_mode, Shape({"authMode": _MODE}, {"password": shapes.text})),
    **ADDRESS_ACTIONS,
    **CUSTOM_ACTIONS,
}

CUSTOMERS = Kind(
    path="customers",
    type_id="customer",
    draft=Shape(
        {"email": shapes.text},
        {
            **_PLAIN,
            **dict.fromkeys(("customerNumber", "password", "anonymousId"), shapes.text),
            "key": shapes.key,
            "addresses": shapes.list_of(ADDRESS),
            "defaultShippingAddress": shapes.integer,
            "defaultBillingAddress": shapes.integer,
            "shippingAddresses": shapes.list_of(shapes.integer),
            "billingAddresses": shapes.list_of(shapes.integer),
            "isEmailVerified": shapes.boolean,
            "authenticationMode": _MODE,
            "customerGroup": shapes.reference,
            "customerGroupAssignments": _ASSIGNMENTS,
            "stores": _STORES,
            "custom": shapes.mapping,
        },
    ),
    build=_build_customer,
    actions=_ACTIONS,
    fields=queryable(
        "customerNumber email lowercaseEmail addresses defaultShippingAddressId shippingAddressIds stores "
        "defaultBillingAddressId billingAddressIds isEmailVerified customerGroup customerGroupAssignments "
        "authenticationMode"
    )
    | frozenset(_PLAIN),
    scopes=("customers",),
    unique=_unique,
    conflict=_conflict,
    check=_check_customer,
    changed=_changed,
    query_view=_query_view,
    index=_index,
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
    fields=queryable("name"),
    scopes=("customers", "customer_groups"),
    unique=lambda group: [*key_of(group), ("name", group["name"])],
)
