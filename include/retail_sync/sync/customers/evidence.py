"""What a person is shown of customers that are held: who looks like whom, and in what, without saying who they
are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retail_sync.records.customers import KIND
from retail_sync.records.sealing import shown
from retail_sync.settings.models.base import Severity
from retail_sync.sync.customers.known import Known
from retail_sync.sync.customers.world import IDENTIFYING
from retail_sync.sync.engine.findings import Finding, FindingSeverity

COMPARED = ("email", "phones", "names", "phone_names", "number", "loyalty_id")
WORDS = {
    "email": "e-mail",
    "phones": "phone",
    "names": "name",
    "full_name": "whole name",
    "phone_names": "phone and name",
    "number": "number",
    "loyalty_id": "loyalty number",
    "external_id": "external id",
    "phone_name": "phone and name",
}


def profile(one: Known) -> dict[str, Any]:
    """A customer as evidence: where it is found, when it was changed, and which fields it has."""
    return {
        "system": one.system,
        "id": one.id,
        "label": one.label,
        "changed": one.modified_at.isoformat() if one.modified_at else None,
        "has": sorted(name for name, value in one.fields.items() if value not in (None, "", {}, False)),
        **{name: shown(one.fields[name]) for name in ("number", "group") if one.fields.get(name)},
    }


def likeness(one: Known, another: Known) -> dict[str, list[str]]:
    """In what two customers are alike, in what they differ, and what one of them lacks."""
    found: dict[str, list[str]] = {"same": [], "partly": [], "different": [], "missing": []}
    for name in COMPARED:
        a, b = one.tokens.get(name, frozenset()), another.tokens.get(name, frozenset())
        kind = "missing" if not (a and b) else "same" if a == b else "partly" if a & b else "different"
        found[kind].append(WORDS[name])
    return {kind: names for kind, names in found.items() if names}


def finding(
    one: Known,
    code: str,
    message: str,
    *,
    severity: FindingSeverity = "hold",
    field: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> Finding:
    """A finding about one customer."""
    return Finding(
        kind=KIND,
        system=one.system,
        id=one.id,
        label=one.label,
        code=code,
        severity=severity,
        message=message,
        field=field,
        evidence=dict(evidence or {}),
    )


def ambiguous(one: Known, step: str, candidates: Mapping[Any, Sequence[Known]]) -> Finding:
    """Somebody who could be several people."""
    others = [other for side in candidates.values() for other in side if other.subject != one.subject]
    return finding(
        one,
        "ambiguous",
        f"Several customers bear this {WORDS[step]}; none is chosen.",
        field=step,
        evidence={
            "identifier": WORDS[step],
            "profile": profile(one),
            "candidates": [{**profile(other), "compared": likeness(one, other)} for other in others],
        },
    )


def name_differs(online: Known, till: Known, step: str) -> Finding:
    """Two who share an identifier and not the name."""
    return finding(
        online,
        "name_differs",
        f"The same {WORDS[step]} on both sides, but another name.",
        field="name",
        evidence={
            "identifier": WORDS[step],
            "commercetools": profile(online),
            "lightspeed": profile(till),
            "compared": likeness(online, till),
            "partner": till.subject,
        },
    )


def duplicate(one: Known, found: Mapping[str, Iterable[Known]], where: str) -> Finding:
    """Somebody who is not created, because others look like the same person."""
    words = ", ".join(WORDS[name] for name in (*IDENTIFYING, "phones", "full_name") if name in found)
    others = {other.subject: other for side in found.values() for other in side}
    return finding(
        one,
        "duplicate_profile",
        f"{len(others)} other profile{'s' if len(others) > 1 else ''} in {where} with the same {words}.",
        field=where,
        evidence={
            "profile": profile(one),
            "candidates": [{**profile(other), "compared": likeness(one, other)} for other in others.values()],
        },
    )


def rule_severity(severity: Severity) -> FindingSeverity | None:
    """The severity of a rule as a finding has it; None = the rule is off."""
    return None if severity == "off" else severity
