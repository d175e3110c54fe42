"""Addresses of a customer: named by id or key, chosen as default, replaced whole."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.commercetools import shapes
from sandbox.commercetools.errors import Json, duplicate_field, invalid_field, invalid_input
from sandbox.commercetools.shapes import Shape, words
from sandbox.commercetools.state import Action, Context

ADDRESS = shapes.shaped(
    Shape(
        {"country": shapes.country},
        dict.fromkeys(
            words(
                "id title salutation firstName lastName streetName streetNumber additionalStreetInfo",
                "postalCode city region state company department building apartment pOBox phone mobile email",
                "fax additionalAddressInfo externalId",
            ),
            shapes.text,
        )
        | {"key": shapes.key, "custom": shapes.mapping},
    )
)

_NAMED = Shape(optional={"addressId": shapes.text, "addressKey": shapes.text})
_USES = {"Shipping": "shippingAddressIds", "Billing": "billingAddressIds"}


def stored_address(context: Context, given: Json, id: str | None = None) -> Json:
    """The address under an id of the platform's choice: one that the caller sends is overwritten."""
    kept = {name: value for name, value in given.items() if value is not None}
    if "custom" in kept:
        kept["custom"] = context.project.resolved(context, kept["custom"])
    return {**kept, "id": id or context.project.platform.new_id()[:8]}


def address_fields(context: Context, draft: Json) -> Json:
    """The fields of a new customer that speak of addresses; a draft refers to them by position."""
    addresses = [stored_address(context, address) for address in draft.get("addresses") or []]
    fields: Json = {"addresses": addresses}
    for use, ids in _USES.items():
        chosen = draft.get(f"{use.lower()}Addresses") or []
        fields[ids] = list(dict.fromkeys(_chosen(addresses, chosen, f"{use.lower()}Addresses")))
        default = f"default{use}Address"
        if default in draft:
            (id,) = _chosen(addresses, [draft[default]], default)
            fields[f"{default}Id"] = id
            _include(fields[ids], id)
    return fields


def _chosen(addresses: list[Json], positions: list[int], field: str) -> list[str]:
    for position in positions:
        if not 0 <= position < len(addresses):
            raise invalid_field(field, position, f"There is no address number {position}.")
    return [addresses[position]["id"] for position in positions]


def check_address_keys(addresses: Iterable[Json]) -> None:
    """Raises `DuplicateField` where two addresses of one customer have the same key (the code is inferred)."""
    taken: set[str] = set()
    for address in addresses:
        if address.get("key") in taken:
            raise duplicate_field("addresses.key", address["key"])
        if "key" in address:
            taken.add(address["key"])


def _include(ids: list[str], id: str) -> None:
    if id not in ids:
        ids.append(id)


def _named(customer: Json, action: Json) -> Json:
    """The address an action means. That exactly one of id and key is wanted is inferred, as are the codes."""
    id, key = action.get("addressId"), action.get("addressKey")
    if (id is None) == (key is None):
        raise invalid_input("Either 'addressId' or 'addressKey' is required.")
    for address in customer["addresses"]:
        if address["id"] == id or (key is not None and address.get("key") == key):
            found: Json = address
            return found
    named = f"ID '{id}'" if id is not None else f"key '{key}'"
    raise invalid_input(f"The customer does not contain an address with the {named}.")


def _add(context: Context, customer: Json, action: Json) -> None:
    customer["addresses"].append(stored_address(context, action["address"]))


def _change(context: Context, customer: Json, action: Json) -> None:
    """Nothing of the old address stays but its id: a key that is not sent again is gone."""
    old = _named(customer, action)
    place = customer["addresses"].index(old)
    customer["addresses"][place] = stored_address(context, action["address"], old["id"])


def _remove(context: Context, customer: Json, action: Json) -> None:
    address = _named(customer, action)
    customer["addresses"].remove(address)
    for use in _USES:
        _forget(customer, use, address["id"])


def _forget(customer: Json, use: str, id: str) -> None:
    ids = customer[_USES[use]]
    if id in ids:
        ids.remove(id)
    if customer.get(f"default{use}AddressId") == id:
        del customer[f"default{use}AddressId"]


def _set_default(use: str) -> Action:
    def apply(context: Context, customer: Json, action: Json) -> None:
        customer.pop(f"default{use}AddressId", None)
        if "addressId" in action or "addressKey" in action:
            id = _named(customer, action)["id"]
            customer[f"default{use}AddressId"] = id
            _include(customer[_USES[use]], id)

    return Action(apply, _NAMED)


def _add_use(use: str) -> Action:
    def apply(context: Context, customer: Json, action: Json) -> None:
        _include(customer[_USES[use]], _named(customer, action)["id"])

    return Action(apply, _NAMED)


def _remove_use(use: str) -> Action:
    def apply(context: Context, customer: Json, action: Json) -> None:
        _forget(customer, use, _named(customer, action)["id"])

    return Action(apply, _NAMED)


ADDRESS_ACTIONS: dict[str, Action] = {
    "addAddress": Action(_add, Shape({"address": ADDRESS})),
    "changeAddress": Action(_change, Shape({"address": ADDRESS}, _NAMED.optional)),
    "removeAddress": Action(_remove, _NAMED),
    **{f"setDefault{use}Address": _set_default(use) for use in _USES},
    **{f"add{use}AddressId": _add_use(use) for use in _USES},
    **{f"remove{use}AddressId": _remove_use(use) for use in _USES},
}
