"""What planning has to say to a person: why an order is kept back, or what to look at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from retail_sync.settings.models.base import Severity
from retail_sync.sync.orders.exact import major
from retail_sync.sync.orders.plan import Finding, Held


def held(code: str, message: str, release: str, *, field: str | None = None, **evidence: Any) -> Held:
    """Keeps the order back. Raise it."""
    return Held(Finding(code, "hold", message, release, field, evidence))


def warning(code: str, message: str, release: str, **evidence: Any) -> Finding:
    """Tells a person, and keeps nothing back."""
    return Finding(code, "warn", message, release, evidence=evidence)


def ruled(severity: Severity, code: str, message: str, release: str, **evidence: Any) -> list[Finding]:
    """A finding as its rule wants it: none where it is off. Raises Held where the rule keeps the order back."""
    if severity == "off":
        return []
    finding = Finding(code, severity, message, release, evidence=evidence)
    if severity in ("hold", "block"):
        raise Held(finding)
    return [finding]


def shown(minor: int, digits: int, currency: str) -> str:
    """An amount for a person: 12.50 EUR."""
    return f"{major(minor, digits)} {currency}"


def percent(share: Decimal) -> str:
    """A rate for a person: 19 %."""
    return f"{format((share * 100).normalize(), 'f')} %"
