"""What may be kept of a request whose bodies and query hold personal data: its shape, so that a person can see which
actions were sent and which error came back, and no value that says who it was about.

Everything is masked, except for members and parameters that are named here and whose values are of the one kind that
such a member has: an id that is a UUID, a time, a small number, a word of the API's own vocabulary. That a value merely
looks harmless is not enough: a server that is broken or hostile may put a name anywhere. New members and new words of
an API are therefore masked until somebody lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import parse_qsl

Withhold = bool | Literal["shape"]
"""How bodies of personal data are kept: not at all (True), as their shape, or as they are (False)."""

MASK = "***"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|\+00:00)", re.ASCII)
LARGEST_NUMBER = 999_999
"""Of the numbers that are shown: a longer one may be somebody's telephone number."""
_WORDS = frozenset(
    {
        # what a reference points to
        *("customer", "customer-group", "order", "payment", "cart", "store", "channel", "type", "product"),
        *(
            "inventory-entry",
            "tax-category",
            "shipping-method",
            "state",
            "business-unit",
            "key-value-document",
        ),
        # actions of customers
        *("changeEmail", "setFirstName", "setLastName", "setMiddleName", "setTitle", "setSalutation"),
        *("setCustomerNumber", "setExternalId", "setCompanyName", "setDateOfBirth", "setVatId", "setLocale"),
        *(
            "setCustomerGroup",
            "setKey",
            "setStores",
            "addStore",
            "removeStore",
            "setCustomType",
            "setCustomField",
        ),
        *(
            "addAddress",
            "changeAddress",
            "removeAddress",
            "setDefaultShippingAddress",
            "setDefaultBillingAddress",
        ),
        *("addShippingAddressId", "removeShippingAddressId", "addBillingAddressId", "removeBillingAddressId"),
        *("setAddressCustomType", "setAddressCustomField", "addCustomerGroupAssignment"),
        *("removeCustomerGroupAssignment", "setCustomerGroupAssignments"),
        # actions of orders and payments
        *(
            "changeOrderState",
            "updateSyncInfo",
            "changePaymentState",
            "changeShipmentState",
            "transitionState",
            "addReturnInfo",
        ),
        *("setReturnShipmentState", "setReturnPaymentState", "addPayment", "removePayment", "addDelivery"),
        *("setLineItemCustomField", "setOrderNumber", "setReturnInfo", "setPurchaseOrderNumber"),
        *("addTransaction", "changeTransactionState", "addInterfaceInteraction", "setStatusInterfaceCode"),
        # error codes
        *(
            "InvalidInput",
            "InvalidField",
            "RequiredField",
            "DuplicateField",
            "InvalidOperation",
            "InvalidJsonInput",
        ),
        *(
            "ResourceNotFound",
            "ReferencedResourceNotFound",
            "ConcurrentModification",
            "ReferenceExists",
            "General",
        ),
        *("DuplicateFieldWithConflictingResource", "insufficient_scope", "invalid_token", "access_denied"),
        *("LockedField", "ExactLockConflict", "ValidityLockConflict", "QueryTimedOut", "ContentTooLarge"),
        *("MaxResourceLimitExceeded", "OverlappingStandalonePriceValidity", "OutOfStock", "BadGateway"),
        *("ExtensionBadResponse", "ExtensionNoResponse", "ExtensionUpdateActionsFailed", "SyntaxError"),
        # fields that errors name
        *("email", "customerNumber", "externalId", "key", "version", "addresses", "firstName", "lastName"),
        *("customer_code", "first_name", "last_name", "company_name", "phone", "mobile", "orderNumber"),
    }
)
"""Words of the two APIs that say what was done and what was refused."""


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_NUMBER


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value in _WORDS


SHOWN: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "id": _is_id,
        **dict.fromkeys(
            ("version", "currentVersion", "actionIndex", "statusCode", "limit", "offset", "count"), _is_number
        ),
        **dict.fromkeys(("createdAt", "lastModifiedAt", "created_at", "updated_at", "deleted_at"), _is_time),
        **dict.fromkeys(("typeId", "action", "code", "field"), _is_word),
    }
)
"""Members of bodies whose values are kept, and what such a value has to be."""
FREE = frozenset({"fields"})
"""Members under which a shop names what it likes (custom fields): a name there says nothing about its value."""
PLAIN = frozenset(
    {
        *("limit", "offset", "sort", "withTotal", "expand", "version", "dataErasure"),
        *("page", "page_size", "after", "before", "deleted"),
    }
)
"""Query parameters whose values are kept."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,80}|…", re.ASCII)
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_.,:\[\]* -]{0,100}", re.ASCII)
_LITERAL = re.compile(r'"(?:\\.|[^"\\])*+(?P<end>"|\Z)|(?<![A-Za-z_])\d[\d.]*', re.DOTALL)
_PREDICATE = re.compile(r"[A-Za-z0-9_ .,()<>=!\[\]-]*", re.ASCII)
_TELLS_NOBODY = re.compile(
    r'"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
    r'|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)"'
)
"""Literals that name no person: ids and times."""


def shape_of(value: Any, room: int, text: Callable[[str], str]) -> Any:
    """A JSON value with its values masked. Stops after about `room` characters; `text` takes secrets out of names."""
    return _Shape(room, text).value(value, None, shown=True)


class _Shape:
    def __init__(self, room: int, text: Callable[[str], str]) -> None:
        self._room = room
        self._text = text

    def value(self, value: Any, name: str | None, *, shown: bool) -> Any:
        if isinstance(value, dict):
            return self._members(value, shown=shown and name not in FREE)
        if isinstance(value, list):
            return self._items(value, name, shown=shown)
        self._room -= 8
        if value is None or value == "":
            return value
        fits = SHOWN.get(name or "")
        return value if shown and fits is not None and fits(value) else MASK

    def _members(self, members: dict[str, Any], *, shown: bool) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for position, (name, value) in enumerate(members.items()):
            if self._room <= 0:
                kept["…"] = f"{len(members) - position} more members cut"
                break
            self._room -= len(name) + 4
            kept[self._text(name) if _NAME.fullmatch(name) else MASK] = self.value(value, name, shown=shown)
        return kept

    def _items(self, items: list[Any], name: str | None, *, shown: bool) -> list[Any]:
        kept: list[Any] = []
        for position, item in enumerate(items):
            if self._room <= 0:
                kept.append(f"… {len(items) - position} more items cut")
                break
            kept.append(self.value(item, name, shown=shown))
        return kept


def query_shape(query: str) -> list[tuple[str, str]]:
    """The parameters of a query: of a predicate its form, with ids and times; of anything else only the name."""
    return [
        (name if _NAME.fullmatch(name) else MASK, _parameter(name, value))
        for name, value in parse_qsl(query, keep_blank_values=True)
    ]


def _without(literal: re.Match[str]) -> str:
    """Nothing of a literal, and the quote of one that does not end: that is no predicate."""
    return '"' if literal["end"] == "" else ""


def _parameter(name: str, value: str) -> str:
    if name in PLAIN:
        return value if _PLAIN_VALUE.fullmatch(value) else MASK
    if '"' not in value or not _PREDICATE.fullmatch(_LITERAL.sub(_without, value)):
        return MASK
    return _LITERAL.sub(lambda found: found[0] if _TELLS_NOBODY.fullmatch(found[0]) else f'"{MASK}"', value)
