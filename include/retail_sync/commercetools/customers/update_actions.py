"""Canonical fields of one customer -> a draft, or the fewest update actions that make the live customer show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retail_sync.commercetools.api.connection import SYSTEM
from retail_sync.commercetools.api.wire import FieldDefinition
from retail_sync.commercetools.api.writing import CustomFieldsDraft, Identifier, UpdateAction
from retail_sync.commercetools.customers.addresses import AddressBook
from retail_sync.commercetools.customers.drafts import CustomerDraft, customer_action
from retail_sync.commercetools.customers.fields import PHONES, TEXTS, USES
from retail_sync.commercetools.customers.read import CustomerRows, customer_of
from retail_sync.commercetools.customers.references import CustomerReferences
from retail_sync.commercetools.customers.values import CannotHold, custom_value, is_day
from retail_sync.records.customers import CONSENTS, UNREADABLE, column_of
from retail_sync.records.errors import RecordRejected
from retail_sync.records.ports.customers import CustomerWrite
from retail_sync.records.types import same

LIVE = frozenset({*PHONES, *USES, "group", "store"})
"""Fields that can't be written without a look at the live customer; so are custom fields."""
_READABLE = frozenset({"email", *PHONES})
_EMPTY: tuple[Any, ...] = ("", None, {})
_TEXT_ACTIONS = {
    name: f"{'change' if name == 'email' else 'set'}{member[0].upper()}{member[1:]}"
    for name, member in TEXTS.items()
}
"""The update action of each text, which is called as its member is."""


@dataclass
class Drafted:
    """The request of one write, and the fields that could not be part of it."""

    draft: CustomerDraft | None = None
    actions: list[UpdateAction] = field(default_factory=list)
    dropped: dict[str, str] = field(default_factory=dict)

    def act(self, action: str, **members: Any) -> None:
        self.actions.append(customer_action(action, **members))


class CustomerDrafter:
    """Raises RecordRejected for what may not be written at all. `currency`: that of a loyalty balance."""

    def __init__(self, references: CustomerReferences, rows: CustomerRows, currency: str) -> None:
        self._references = references
        self._places = references.places
        self._settings = references.places.settings
        self._rows = rows
        self._currency = currency

    def needs_live(self, write: CustomerWrite) -> bool:
        """Whether an update has to look at the live customer first."""
        return any(name in LIVE or name in self._places.custom for name in self._changed(write))

    def create(self, write: CustomerWrite) -> Drafted:
        out = Drafted()
        wanted = {
            name: value
            for name, value in self._writable(write.fields, out).items()
            if value not in _EMPTY and self._allowed(name, out)
        }
        if not wanted.get("email"):
            raise RecordRejected(
                "An online customer needs a readable e-mail address.",
                code="email_missing",
                system=SYSTEM,
                remedy="Give the customer an e-mail address at the till.",
            )
        texts = {
            TEXTS[name]: text
            for name in TEXTS
            if name in wanted
            and name not in self._places.custom
            and (text := self._text(name, wanted[name], out)) is not None
        }
        book = self._book({}, write.key)
        self._address(book, wanted, out)
        group = self._group_of(wanted["group"], out) if "group" in wanted else None
        store = wanted.get("store") or self._settings.create_in_store
        out.draft = CustomerDraft(
            key=write.key,
            **texts,
            **book.draft,
            customerGroup=group,
            stores=[Identifier(typeId="store", key=store)] if store and self._has_store(store, out) else None,
            custom=self._custom_draft(wanted, out),
        )
        return out

    def update(self, write: CustomerWrite, live: Mapping[str, Any]) -> Drafted:
        """`live`: the customer on the wire; {} where `needs_live` says that it does not matter."""
        out = Drafted()
        wanted = self._writable(self._changed(write), out)
        for name in wanted:
            self._require_ownership(name)
        for name, value in wanted.items():
            if name in TEXTS and name not in self._places.custom:
                self._text_action(name, value, write.standing, out)
        if "group" in wanted:
            self._group_actions(str(wanted["group"]), live, out)
        if "store" in wanted:
            self._store_action(str(wanted["store"]), live, out)
        book = self._book(live, write.key or str(write.target_id))
        self._address(book, wanted, out)
        out.actions.extend(book.actions)
        self._custom_actions(wanted, live, out)
        return out

    # ------------------------------------------------------------ what may be written

    def _changed(self, write: CustomerWrite) -> dict[str, Any]:
        return {
            name: value
            for name, value in write.fields.items()
            if not same(column_of(name), value, write.standing.get(name))
        }

    def _writable(self, fields: Mapping[str, Any], out: Drafted) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, value in fields.items():
            if name not in self._places.holds:
                out.dropped[name] = "it has no place in commercetools, or is private there"
            elif name in _READABLE and str(value or "").startswith(UNREADABLE):
                out.dropped[name] = "it could not be read"
            else:
                kept[name] = value
        return kept

    def _allowed(self, name: str, out: Drafted) -> bool:
        if self._settings.may_write(name, SYSTEM):  # type: ignore[arg-type]
            return True
        out.dropped[name] = "it is not written to commercetools (`customers.one_way`)"
        return False

    def _require_ownership(self, name: str) -> None:
        owned = name in (*CONSENTS, "external_id") or self._settings.owner_of(name) not in (
            "commercetools",
            "none",
        )
        if not owned or not self._settings.may_write(name, SYSTEM):  # type: ignore[arg-type]
            raise RecordRejected(
                f"The field {name} of customers is not written to commercetools.",
                code="not_owned",
                system=SYSTEM,
                remedy=f"Nothing, if it is meant so; otherwise correct the owner or direction of {name} in "
                "`customers`.",
            )

    # ------------------------------------------------------------ fields with a member of their own

    def _text(self, name: str, value: Any, out: Drafted) -> str | None:
        """The text as it is sent; None where commercetools can't hold it."""
        text = str(value or "")
        if not text:
            return ""
        if name == "date_of_birth" and not is_day(text):
            out.dropped[name] = "it is no date"
            return None
        if name == "language":
            for language in self._references.project.languages:
                if language.casefold() == text.casefold():
                    return language
            out.dropped[name] = "it is no language of the project"
            return None
        return text

    def _text_action(self, name: str, value: Any, standing: Mapping[str, Any], out: Drafted) -> None:
        text = self._text(name, value, out)
        if text is None:
            return
        if name == "number" and standing.get("number"):
            out.dropped[name] = "a customer number stays as it was first set"
        elif name in ("email", "number") and not text:
            out.dropped[name] = "it can't be taken away"
        else:
            # An empty text takes the value away.
            out.act(_TEXT_ACTIONS[name], **{TEXTS[name]: text or None})

    def _group_of(self, key: str, out: Drafted) -> Identifier | None:
        if key in self._references.group_keys:
            return Identifier(typeId="customer-group", key=key)
        out.dropped["group"] = "there is no customer group of that key"
        return None

    def _group_actions(self, key: str, live: Mapping[str, Any], out: Drafted) -> None:
        """Groups come in two forms, of which `customerGroup` is read first. What is read has to show the wanted group
        afterwards, and no other membership may get lost."""
        group = self._group_of(key, out) if key else None
        if key and group is None:
            return
        customer = customer_of(live)
        own = customer.customerGroup
        assigned = [one.customerGroup.id for one in customer.customerGroupAssignments or ()]
        if own is not None or not assigned:
            if not group and set(assigned) - {own.id if own else ""}:
                out.dropped["group"] = "the customer is in several groups"
                return
            out.act("setCustomerGroup", customerGroup=group)
            if not group and assigned:
                out.act("setCustomerGroupAssignments", customerGroupAssignments=[])
        elif len(assigned) > 1:
            out.dropped["group"] = "the customer is in several groups"
        else:
            groups = [{"customerGroup": group}] if group else []
            out.act("setCustomerGroupAssignments", customerGroupAssignments=groups)

    def _has_store(self, key: str, out: Drafted) -> bool:
        if not self._references.read_stores or key in self._references.stores:
            return True
        out.dropped["store"] = "there is no store of that key"
        return False

    def _store_action(self, key: str, live: Mapping[str, Any], out: Drafted) -> None:
        if len(customer_of(live).store_keys) > 1:
            out.dropped["store"] = "the customer belongs to several stores"
        elif not key:
            out.act("setStores", stores=[])
        elif self._has_store(key, out):
            out.act("setStores", stores=[Identifier(typeId="store", key=key)])

    # ------------------------------------------------------------ addresses, numbers, custom fields

    def _book(self, live: Mapping[str, Any], key: str) -> AddressBook:
        return AddressBook(
            live, key=key, default_country=self._settings.default_country, phone_in=self._rows.phone_in
        )

    def _address(self, book: AddressBook, wanted: Mapping[str, Any], out: Drafted) -> None:
        book.set_addresses({name: wanted[name] or {} for name in USES if name in wanted})
        for name in PHONES:
            if name in wanted and name not in self._places.custom:
                book.set_phone(name, str(wanted[name] or ""))
        out.dropped.update(book.dropped)

    def _custom_values(
        self, wanted: Mapping[str, Any], definitions: Mapping[str, FieldDefinition], out: Drafted
    ) -> dict[str, Any]:
        """Values by custom field; None takes one away."""
        values: dict[str, Any] = {}
        for name in wanted:
            if (place := self._places.custom.get(name)) is None:
                continue
            if place not in definitions:
                out.dropped[name] = f"the customer's type has no custom field {place}"
                continue
            try:
                values[place] = custom_value(wanted[name], definitions[place].type.name, self._currency)
            except CannotHold as why:
                out.dropped[name] = f"the custom field {place} {why}"
        return values

    def _custom_draft(self, wanted: Mapping[str, Any], out: Drafted) -> CustomFieldsDraft | None:
        chosen = self._references.custom_type
        given = self._custom_values(wanted, chosen.definitions if chosen else {}, out)
        if chosen is None or not given:
            return None
        return CustomFieldsDraft(type=Identifier(typeId="type", id=chosen.id), fields=given)

    def _custom_actions(self, wanted: Mapping[str, Any], live: Mapping[str, Any], out: Drafted) -> None:
        custom = live.get("custom")
        if not custom:
            given = {name: value for name, value in wanted.items() if value not in _EMPTY}
            draft = self._custom_draft(given, out)
            if draft is not None:
                out.act("setCustomType", type=draft.type, fields=draft.fields)
            return
        held = self._references.types.get(str((custom.get("type") or {}).get("id")))
        values = self._custom_values(wanted, held.definitions if held else {}, out)
        for place, value in values.items():
            out.act("setCustomField", name=place, value=value)
