"""Changing the addresses of a customer, and the telephone numbers that live in them, with nothing else of them lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from retail_sync.commercetools.api.writing import UpdateAction
from retail_sync.commercetools.customers.drafts import AddressDraft, customer_action
from retail_sync.commercetools.customers.fields import USES
from retail_sync.commercetools.customers.read import address_parts, in_order
from retail_sync.records.customers import plain_address

NO_COUNTRY = "the address names no country, and `customers.default_country` is not set"
BAD_COUNTRY = "the country of the address is no ISO 3166-1 code of two letters"
NO_ADDRESS = "telephone numbers live in an address, and the customer has none"
_COUNTRY = re.compile("[A-Z]{2}")
_MEMBERS = {
    "extra": "additionalStreetInfo",
    "suburb": "additionalAddressInfo",
    "city": "city",
    "postcode": "postalCode",
    "country": "country",
}
_NOT_COPIED = frozenset({"id", "key", "externalId", "phone", "mobile", "custom"})
"""Of an address that served as both defaults, what its new half does not take along."""

PhoneIn = Callable[[Mapping[str, Any], str], str]


@dataclass
class _Entry:
    """One address as it is to be; `before` is the live one, None for a new one."""

    wire: dict[str, Any]
    before: Mapping[str, Any] | None
    use: str = ""


class AddressBook:
    """`live`: the customer as it is on the wire ({} for a new one). `phone_in` reads a number of an address. `key`
    begins the keys of new addresses."""

    def __init__(
        self, live: Mapping[str, Any], *, key: str, default_country: str | None, phone_in: PhoneIn
    ) -> None:
        self._key = key
        self._country = default_country
        self._phone_in = phone_in
        self._entries = [_Entry(dict(one), one) for one in live.get("addresses") or ()]
        self._defaults: dict[str, _Entry | None] = {
            use: self._by_id(live.get(f"default{use}AddressId")) for use in USES.values()
        }
        self._unset: list[str] = []
        self.dropped: dict[str, str] = {}

    def _by_id(self, id: object) -> _Entry | None:
        return next((one for one in self._entries if id and one.wire.get("id") == id), None)

    # ------------------------------------------------------------ addresses

    def set_addresses(self, wanted: Mapping[str, Mapping[str, str]]) -> None:
        """The default addresses by their canonical names; `{}` takes the default away and leaves the address."""
        filled: dict[str, dict[str, str]] = {}
        for name, address in wanted.items():
            parts = plain_address(address)
            if not parts:
                self._forget(USES[name])
            elif not (country := parts["country"] or self._country):
                self.dropped[name] = NO_COUNTRY
            elif not _COUNTRY.fullmatch(country):
                self.dropped[name] = BAD_COUNTRY
            else:
                filled[name] = {**parts, "country": country}
        # The address of both uses changes in place for the last of two, or for both if they want the same.
        for name, parts in filled.items():
            rest = {other: one for other, one in filled.items() if other != name}
            self._set(USES[name], parts, rest)

    def _forget(self, use: str) -> None:
        if self._defaults[use] is not None:
            self._defaults[use] = None
            self._unset.append(use)

    def _set(self, use: str, parts: dict[str, str], rest: Mapping[str, dict[str, str]]) -> None:
        held = self._defaults[use]
        if held is not None and plain_address(address_parts(held.wire)) == parts:
            return
        partner = next((name for name, other in USES.items() if other != use), "")
        shared = held is not None and self._defaults[USES[partner]] is held
        if held is not None and not (shared and rest.get(partner) != parts):
            _fill(held.wire, parts)
            return
        copied = {name: v for name, v in (held.wire if held else {}).items() if name not in _NOT_COPIED}
        _fill(copied, parts)
        copied["key"] = self._new_key(use)
        entry = _Entry(copied, None, use)
        self._entries.append(entry)
        self._defaults[use] = entry

    def _new_key(self, use: str) -> str:
        taken = {one.wire.get("key") for one in self._entries}
        base = f"{self._key}-{use.lower()}"
        numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
        return next(key for key in (base, *numbered) if key not in taken)

    # ------------------------------------------------------------ telephone numbers

    def set_phone(self, name: str, wanted: str) -> None:
        """A number goes where one already is, else into the first address in the order of reading. An empty one is
        taken out of every address that bears the one shown."""
        entries = self._in_order()
        bearing = [one for one in entries if self._phone_in(one.wire, name)]
        shown = self._phone_in(bearing[0].wire, name) if bearing else ""
        if shown == wanted:
            return
        if not wanted:
            for one in bearing:
                if self._phone_in(one.wire, name) == shown:
                    del one.wire[name]
            return
        home = next(iter(bearing or entries), None)
        if home is None:
            self.dropped[name] = NO_ADDRESS
        else:
            home.wire[name] = wanted

    def _in_order(self) -> list[_Entry]:
        """Entries by the order in which numbers are read, once everything is written."""
        named = [{**one.wire, "id": position} for position, one in enumerate(self._entries)]
        billing, shipping = (self._position(use) for use in ("Billing", "Shipping"))
        return [self._entries[int(one["id"])] for one in in_order(named, shipping, billing)]

    def _position(self, use: str) -> Any:
        held = self._defaults[use]
        return None if held is None else next(n for n, one in enumerate(self._entries) if one is held)

    # ------------------------------------------------------------ what is sent

    @property
    def actions(self) -> list[UpdateAction]:
        """What makes a live customer so."""
        out: list[UpdateAction] = []
        for use in self._unset:
            if self._defaults[use] is None:
                out.append(_default(use, None))
        for one in self._entries:
            if one.before is None:
                out.append(customer_action("addAddress", address=_draft(one.wire)))
                out.append(_default(one.use, str(one.wire["key"])))
            elif one.wire != one.before:
                changed = {"addressId": str(one.before["id"]), "address": _draft(one.wire)}
                out.append(customer_action("changeAddress", **changed))
        return out

    @property
    def draft(self) -> dict[str, Any]:
        """The fields of a new customer's draft."""
        if not self._entries:
            return {}
        positions = {
            f"default{use}Address": self._position(use) for use, one in self._defaults.items() if one
        }
        return {"addresses": [_draft(one.wire) for one in self._entries], **positions}


def _fill(wire: dict[str, Any], parts: Mapping[str, str]) -> None:
    """Writes the parts that differ; how a part that stays is spelt or divided stays, too."""
    now = address_parts(wire)
    changed = {name: value for name, value in parts.items() if now[name] != value}
    for name, value in changed.items():
        if name == "street":
            _put(wire, "streetName", value)
            wire.pop("streetNumber", None)
        elif name == "state":
            _put(wire, "state", value)
            if not value:
                wire.pop("region", None)
        else:
            _put(wire, _MEMBERS[name], value)


def _put(wire: dict[str, Any], member: str, value: str) -> None:
    wire.pop(member, None)
    if value:
        wire[member] = value


def _default(use: str, key: str | None) -> UpdateAction:
    return customer_action(f"setDefault{use}Address", addressKey=key)


def _draft(wire: Mapping[str, Any]) -> AddressDraft:
    """As `changeAddress` takes it: without its id, and custom fields with a reference to their type."""
    given = {name: value for name, value in wire.items() if name != "id"}
    custom = given.get("custom")
    if isinstance(custom, Mapping):
        type_ = custom.get("type") or {}
        given["custom"] = {
            "type": {"typeId": "type", "id": type_.get("id")},
            "fields": dict(custom.get("fields") or {}),
        }
    return AddressDraft(**given)
