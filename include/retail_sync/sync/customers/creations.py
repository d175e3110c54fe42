"""Who is missing on the other side, and whether it is safe to make them there. Pure.

Nobody is created while somebody else, on either side, bears one of the same identifying marks: a person says first
whether they are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from retail_sync.records.customers import CONSENTS
from retail_sync.records.ports.products import SystemName
from retail_sync.sync.customers.evidence import duplicate, finding
from retail_sync.sync.customers.known import UNREADABLE_FIELDS, Known
from retail_sync.sync.customers.validation import check
from retail_sync.sync.customers.world import PHONES, World, names_differ
from retail_sync.sync.engine.findings import Finding

ALWAYS_GIVEN = ("email", "first_name", "last_name", "number")
"""Given to who is created even if nobody owns them: without them the twin is not recognised again."""
CAN_BE_KNOWN_BY = ("email", "phones", "number", "loyalty_id")
"""Tokens of which a customer has to bear one to be created: who bears none could never be told from others."""


class CreationRefused(Exception):
    """Nobody is created: because of `holds`, or simply because it is not wanted (`why`)."""

    def __init__(self, why: str, holds: list[Finding] | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.holds = holds or []


@dataclass(frozen=True)
class Wanted:
    """The fields of a customer to be made, and why each."""

    fields: Mapping[str, Any]
    reasons: Mapping[str, str]
    warnings: list[Finding] = field(default_factory=list)


def wanted_of(world: World, person: Known, target: SystemName) -> Wanted:
    """What is to be made of `person` in `target`. Raises CreationRefused."""
    settings = world.settings
    if target not in settings.create:
        raise CreationRefused(f"not created in {target}")
    if target == "commercetools":
        _require_address(person)
    if not any(person.tokens.get(name) for name in CAN_BE_KNOWN_BY):
        raise CreationRefused("has nothing to be recognised by")
    _require_unique(world, person, target)
    shared = _share_a_number(world, person)
    if target == "commercetools" and _address_is_taken(world, person):
        raise CreationRefused("its e-mail address belongs to another account")
    names = [name for name in (*world.merged, *ALWAYS_GIVEN) if _flows(world, name, person, target)]
    findings = check(person, names, settings)
    holds = [one for one in findings if one.severity in ("hold", "block")]
    if holds:
        raise CreationRefused("held", holds)
    left_out = {one.field for one in findings if one.severity == "drop field"}
    fields = {name: person.fields[name] for name in dict.fromkeys(names) if name not in left_out}
    if settings.mark and "external_id" in world.terms[target].writes:
        fields["external_id"] = person.id
    return Wanted(fields, dict.fromkeys(fields, f"missing in {target}"), [*findings, *shared])


def _require_address(person: Known) -> None:
    """Online, an address is the account. One that can't be read is no reason to leave it out."""
    if not person.tokens.get("email"):
        raise CreationRefused("has no e-mail address, without which there is no online account")
    if "email" in person.identity.get(UNREADABLE_FIELDS, ()):
        message = "The e-mail address can't be read, and without one there is no online account."
        raise CreationRefused("held", [finding(person, "email_invalid", message, field="email")])


def _share_a_number(world: World, person: Known) -> list[Finding]:
    """A telephone number of several names is a household, or a mistake: it is told, and keeps nobody back."""
    others = [
        one
        for one in world.lookalikes(person, person.system).get(PHONES, ())
        if names_differ(person, one) and not _told_apart(world, person, one)
    ]
    if not others:
        return []
    found = duplicate(person, {PHONES: others}, person.system)
    return [replace(found, code="phone_shared", severity="warn")]


def _require_unique(world: World, person: Known, target: SystemName) -> None:
    if person.subject in world.ruling.own:
        return
    for system in (person.system, target):
        alike = world.lookalikes(person, system)
        alike[PHONES] = [one for one in alike.get(PHONES, ()) if not names_differ(person, one)]
        if system == target and (namesakes := world.namesakes(person, system)):
            alike = {**alike, "full_name": namesakes}
        found = {
            name: kept
            for name, others in alike.items()
            if (kept := [one for one in others if not _told_apart(world, person, one)])
        }
        if found:
            raise CreationRefused("looks like others", [duplicate(person, found, system)])


def _address_is_taken(world: World, person: Known) -> bool:
    """Online, an address is one account: who shares it with somebody else stays at the till."""
    bearers = world.bearers["commercetools"]
    return any(bearers.get(("email", token)) for token in person.tokens.get("email", ()))


def _told_apart(world: World, person: Known, one: Known) -> bool:
    """Whether a person has said that the two are not one, that the other one is nobody of ours or a person of its
    own; or has said so of the account that the other one belongs to."""
    if one.subject in world.ruling.out or one.subject in world.ruling.own:
        return True
    if person.system != one.system:
        return _is_apart(world, person, one)
    partner = world.partner(one)
    return partner is not None and _is_apart(world, person, partner)


def _is_apart(world: World, one: Known, another: Known) -> bool:
    pair = (one.id, another.id) if one.system == "commercetools" else (another.id, one.id)
    return pair in world.ruling.apart


def _flows(world: World, name: str, person: Known, target: SystemName) -> bool:
    value = person.fields.get(name)
    if value in (None, "", {}) or name not in world.terms[target].writes:
        return False
    settings = world.settings
    if name == "number" and target == "commercetools" and settings.owner_of(name) == "none":
        return False  # it can never be changed there: only who says that numbers sync gives one
    if name in CONSENTS:
        consent = settings.consents[name.removeprefix("consent_")]  # type: ignore[index]
        return value is False or person.system in consent.trusted
    return settings.may_write(name, target) and world.may_be_told(name, person)
