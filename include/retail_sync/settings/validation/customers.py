"""Customers: places used twice, fields without a place, ways that lead nowhere."""

from __future__ import annotations

from typing import get_args

from retail_sync.settings.document import Loc
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.base import SystemName
from retail_sync.settings.models.customers import (
    CUSTOM_PREFIX,
    NEEDS_A_PLACE,
    TILL_PLACES,
    CustomerSettings,
)
from retail_sync.settings.validation.findings import Findings, repeated

CUSTOM_FIELDS = TILL_PLACES[:4]


def check_customers(settings: SyncSettings, found: Findings) -> None:
    """Everything about customers that several settings say together."""
    for rule in (_places, _used_twice, _creating, _groups, _marketing, _one_way, _matching):
        rule(settings.customers, found.within("customers"))


def _places(given: CustomerSettings, found: Findings) -> None:
    for name, one in given.fields.items():
        if one.owner == "none":
            continue
        if one.lightspeed is not None and one.lightspeed not in TILL_PLACES:
            found.add(
                ("fields", name, "lightspeed"),
                f"A Lightspeed customer has no free field {one.lightspeed!r}.",
                f"Use one of {', '.join(TILL_PLACES)}.",
            )
        for system, needing in NEEDS_A_PLACE.items():
            if (name in needing or name.startswith(CUSTOM_PREFIX)) and getattr(one, system) is None:
                found.add(
                    ("fields", name),
                    f"{system} has no place of its own for {name}.",
                    f"Name one: `{system}: {'custom:<name>' if system == 'commercetools' else 'custom_field_1'}`.",
                )
    if given.external_id_field is not None and given.external_id_field not in CUSTOM_FIELDS:
        found.add(
            "external_id_field",
            f"{given.external_id_field!r} is no custom field of a Lightspeed customer.",
            f"Use one of {', '.join(CUSTOM_FIELDS)}, or leave it out.",
        )


def _used_twice(given: CustomerSettings, found: Findings) -> None:
    places: list[tuple[Loc, str, str | None, str]] = [
        (("external_id_field",), "lightspeed", given.external_id_field or None, "the online id"),
        *(
            (("consents", name), "commercetools", consent.commercetools, f"the consent {name}")
            for name, consent in given.consents.items()
        ),
        *(
            (("fields", field, system), system, getattr(one, system), field)
            for field, one in given.fields.items()
            for system in get_args(SystemName)
        ),
    ]
    holders: dict[tuple[str, str], str] = {}
    for at, system, place, holder in places:
        if place is None:
            continue
        other = holders.setdefault((system, place), holder)
        if other != holder:
            remedy = "Give each field a place of its own in that system."
            found.add(at, f"{place} already holds {other}.", remedy)


def _creating(given: CustomerSettings, found: Findings) -> None:
    if given.create and not given.synced:
        found.add(
            "create",
            "Customers are to be created, but no field of them has an owner.",
            "Give the fields that are to sync an owner in `customers.fields`, or create nobody.",
        )
    if "commercetools" in given.create and not given.may_write("email", "commercetools"):
        found.add(
            "create",
            "An online account needs an e-mail address, which may not flow there.",
            "Take `email` out of `exclude` and `one_way`, or create nobody in commercetools.",
        )
    if given.create_in_store and given.stores and given.create_in_store not in given.stores:
        problem = f"Customers of the store {given.create_in_store!r} take no part."
        found.add("create_in_store", problem, "Add it to `customers.stores`.")


def _groups(given: CustomerSettings, found: Findings) -> None:
    for side in get_args(SystemName):
        for position, name in repeated([getattr(pair, side) for pair in given.groups]):
            remedy = "Pair each group with one of the other side."
            found.add(("groups", position, side), f"The group {name!r} is named twice.", remedy)
    if not given.groups and given.owner_of("group") != "none":
        found.add(
            ("fields", "group"),
            "Groups are to sync, but none is paired.",
            "Pair them in `customers.groups`, or set the owner to `none`.",
        )


def _marketing(given: CustomerSettings, found: Findings) -> None:
    for name, needed in given.marketing.items():
        if name not in given.fields:
            problem = f"There is no field {name!r} in `customers.fields`."
            found.add(("marketing", name), problem, "Name one of its fields.")
        if needed not in given.consents:
            found.add(
                ("marketing", name),
                f"The consent {needed!r} is not set up, so this field would never flow.",
                f"Add it to `customers.consents`: {needed}: {{commercetools: custom:<name>}}.",
            )


def _one_way(given: CustomerSettings, found: Findings) -> None:
    for name, target in given.one_way.items():
        if given.owner_of(name) == target:
            found.add(
                ("one_way", name),
                f"{name} belongs to {target} and may only flow there, so it never flows.",
                "Name the other system, or another owner.",
            )


def _matching(given: CustomerSettings, found: Findings) -> None:
    for position, step in repeated(given.match):
        found.add(("match", position), f"{step} is named twice.", "Name each step once.")
    if given.synced and not given.match:
        problem = "Without a step nobody would ever be recognised, and everybody made twice."
        found.add("match", problem, "Name at least `email`.")
