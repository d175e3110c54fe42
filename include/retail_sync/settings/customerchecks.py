"""What no single setting of customers can see: places used twice, fields without a place, ways that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from retail_sync.settings.customers import (
    CUSTOM_PREFIX,
    NEEDS_A_PLACE,
    TILL_PLACES,
    CustomerSettings,
)
from retail_sync.settings.document import Loc, Problem
from retail_sync.settings.models import SyncSettings

ROOT: Loc = ("customers",)


def customer_problems(settings: SyncSettings) -> Iterator[Problem]:
    """Everything about customers that several settings say together."""
    given = settings.customers
    yield from _places(given)
    yield from _used_twice(given)
    yield from _creating(given)
    yield from _groups(given)
    yield from _marketing(given)
    yield from _one_way(given)
    yield from _matching(given)


def _places(given: CustomerSettings) -> Iterator[Problem]:
    for name, one in given.fields.items():
        loc: Loc = (*ROOT, "fields", name)
        if one.owner == "none":
            continue
        if one.lightspeed is not None and one.lightspeed not in TILL_PLACES:
            yield Problem(
                (*loc, "lightspeed"),
                f"A Lightspeed customer has no free field {one.lightspeed!r}.",
                f"Use one of {', '.join(TILL_PLACES)}.",
            )
        for system, needing in NEEDS_A_PLACE.items():
            if (name in needing or name.startswith(CUSTOM_PREFIX)) and getattr(one, system) is None:
                yield Problem(
                    loc,
                    f"{system} has no place of its own for {name}.",
                    f"Name one: `{system}: {'custom:<name>' if system == 'commercetools' else 'custom_field_1'}`.",
                )
    if given.external_id_field is not None and given.external_id_field not in TILL_PLACES[:4]:
        yield Problem(
            (*ROOT, "external_id_field"),
            f"{given.external_id_field!r} is no custom field of a Lightspeed customer.",
            f"Use one of {', '.join(TILL_PLACES[:4])}, or leave it out.",
        )


def _used_twice(given: CustomerSettings) -> Iterator[Problem]:
    used: dict[tuple[str, str], str] = {}
    places: list[tuple[Loc, str, str, str]] = []
    if given.external_id_field:
        places.append(((*ROOT, "external_id_field"), "lightspeed", given.external_id_field, "the online id"))
    for name, consent in given.consents.items():
        places.append(
            ((*ROOT, "consents", name), "commercetools", consent.commercetools, f"the consent {name}")
        )
    for field, one in given.fields.items():
        for system in ("commercetools", "lightspeed"):
            place = getattr(one, system)
            if place is not None:
                places.append(((*ROOT, "fields", field, system), system, place, field))
    for loc, system, place, holder in places:
        other = used.setdefault((system, place), holder)
        if other != holder:
            yield Problem(
                loc, f"{place} already holds {other}.", "Give each field a place of its own in that system."
            )


def _creating(given: CustomerSettings) -> Iterator[Problem]:
    if given.create and not given.synced:
        yield Problem(
            (*ROOT, "create"),
            "Customers are to be created, but no field of them has an owner.",
            "Give the fields that are to sync an owner in `customers.fields`, or create nobody.",
        )
    if "commercetools" in given.create and (
        "email" in given.exclude or not given.may_write("email", "commercetools")
    ):
        yield Problem(
            (*ROOT, "create"),
            "An online account needs an e-mail address, which may not flow there.",
            "Take `email` out of `exclude` and `one_way`, or create nobody in commercetools.",
        )
    if given.create_in_store and given.stores and given.create_in_store not in given.stores:
        yield Problem(
            (*ROOT, "create_in_store"),
            f"Customers of the store {given.create_in_store!r} take no part.",
            "Add it to `customers.stores`.",
        )


def _groups(given: CustomerSettings) -> Iterator[Problem]:
    for side in ("commercetools", "lightspeed"):
        seen: set[str] = set()
        for position, pair in enumerate(given.groups):
            name = getattr(pair, side)
            if name in seen:
                yield Problem(
                    (*ROOT, "groups", position, side),
                    f"The group {name!r} is named twice.",
                    "Pair each group with one of the other side.",
                )
            seen.add(name)
    if not given.groups and given.owner_of("group") != "none":
        yield Problem(
            (*ROOT, "fields", "group"),
            "Groups are to sync, but none is paired.",
            "Pair them in `customers.groups`, or set the owner to `none`.",
        )


def _marketing(given: CustomerSettings) -> Iterator[Problem]:
    for name, needed in given.marketing.items():
        loc: Loc = (*ROOT, "marketing", name)
        if name not in given.fields:
            yield Problem(
                loc, f"There is no field {name!r} in `customers.fields`.", "Name one of its fields."
            )
        if needed not in given.consents:
            yield Problem(
                loc,
                f"The consent {needed!r} is not set up, so this field would never flow.",
                f"Add it to `customers.consents`: {needed}: {{commercetools: custom:<name>}}.",
            )


def _one_way(given: CustomerSettings) -> Iterator[Problem]:
    for name, target in given.one_way.items():
        if given.owner_of(name) == target:
            yield Problem(
                (*ROOT, "one_way", name),
                f"{name} belongs to {target} and may only flow there, so it never flows.",
                "Name the other system, or another owner.",
            )


def _matching(given: CustomerSettings) -> Iterator[Problem]:
    for position, step in enumerate(given.match):
        if step in given.match[:position]:
            yield Problem((*ROOT, "match", position), f"{step} is named twice.", "Name each step once.")
    if given.synced and not given.match:
        yield Problem(
            (*ROOT, "match"),
            "Without a step nobody would ever be recognised, and everybody made twice.",
            "Name at least `email`.",
        )
