"""A plan in the making: drafts of changes, and what was found on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from retail_sync.records.products import Kind
from retail_sync.records.refs import RecordRef, WriteUnit
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.products.pairing import Pairing
from retail_sync.sync.products.plan import LinkRef, PlanInput
from retail_sync.sync.products.view import View

KINDS: tuple[Kind, Kind] = ("product", "variant")
RecordName = tuple[str, Kind, str]
NOT_BLOCKING = frozenset({"warn", "drop field"})


@dataclass
class Draft:
    """A change in the making."""

    kind: Kind
    source: str
    source_id: str
    target: str
    action: Literal["create", "update", "deactivate"]
    link: LinkRef | None
    target_id: str | None
    target_product: str | None
    source_product: str
    after: dict[str, Any]
    before: dict[str, Any]
    reasons: dict[str, str]

    @property
    def subject(self) -> str:
        return str(RecordRef(self.source, self.source_id))

    @property
    def unit(self) -> str:
        if self.target_product is not None:
            return str(WriteUnit(self.target, self.target_product))
        return str(WriteUnit.creating(self.target, RecordRef(self.source, self.source_product)))


@dataclass
class Work:
    given: PlanInput
    view: View
    pairing: Pairing
    drafts: list[Draft] = field(default_factory=list)
    holds: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    agreed: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    notes: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    """By (kind, commercetools id, Lightspeed id), what is to be noted of what was sent, where that changes."""
    ignored: dict[tuple[str, str, str], str] = field(default_factory=dict)
    withheld: dict[RecordName, str] = field(default_factory=dict)
    """Records that are held together with others, by the code of the one hold they have."""


def product_of(view: View, kind: Kind, system: str, record: str) -> str:
    return record if kind == "product" else view.product_of(system, record)


def report(work: Work, finding: Finding) -> None:
    (work.warnings if finding.severity in NOT_BLOCKING else work.holds).append(finding)


def waiting(work: Work, system: str, variant: str, why: str = "Its product is held.") -> Finding:
    return Finding(
        kind="variant",
        system=system,
        id=variant,
        label=work.view.label(system, "variant", variant),
        code="waiting",
        severity="hold",
        message=why,
    )
