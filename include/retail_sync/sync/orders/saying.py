"""What planning has to say to a person: why an order is kept back, or what to look at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from retail_sync.settings.models.base import Severity
from retail_sync.sync.engine.findings import Remark
from retail_sync.sync.orders.exact import major
from retail_sync.sync.orders.plan import Held


def held(code: str, message: str, release: str, *, field: str = "", **evidence: Any) -> Held:
    """Keeps the order back. Raise it."""
    return Held(
        Remark(code=code, severity="hold", message=message, remedy=release, field=field, evidence=evidence)
    )


def warning(code: str, message: str, release: str, **evidence: Any) -> Remark:
    """Tells a person, and keeps nothing back."""
    return Remark(code=code, severity="warn", message=message, remedy=release, evidence=evidence)


def ruled(severity: Severity, code: str, message: str, release: str, **evidence: Any) -> list[Remark]:
    """A finding as its rule wants it: none where it is off. Raises Held where the rule keeps the order back."""
    if severity == "off":
        return []
    finding = Remark(code=code, severity=severity, message=message, remedy=release, evidence=evidence)
    if finding.holds:
        raise Held(finding)
    return [finding]


def shown(minor: int, digits: int, currency: str) -> str:
    """An amount for a person: 12.50 EUR."""
    return f"{major(minor, digits)} {currency}"


def percent(share: Decimal) -> str:
    """A rate for a person: 19 %."""
    return f"{format((share * 100).normalize(), 'f')} %"
