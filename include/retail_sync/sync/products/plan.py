"""What a plan is: data a person can read, made by `planning`, applied by `applying`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from retail_sync.ledger.rows import Hold
from retail_sync.records.ports.capabilities import Capabilities
from retail_sync.records.products import Kind, ProductTables
from retail_sync.settings.models.products import ProductSettings
from retail_sync.sync.engine.decisions import Decided
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.plan import PlannedChange

Disposition = Literal["unchanged", "planned", "held", "ignored"]


@dataclass(frozen=True)
class LinkRef:
    """A pair of ids that are the same thing. `link_id` is None while it is only planned."""

    kind: Kind
    commercetools_id: str
    lightspeed_id: str
    link_id: str | None
    matched_by: str
    base: Mapping[str, Any] = field(default_factory=dict)
    resent: Mapping[str, Any] = field(default_factory=dict)
    parent: tuple[str, str] | None = None

    def side(self, system: str) -> str:
        return self.commercetools_id if system == "commercetools" else self.lightspeed_id


@dataclass
class PlanInput:
    """Everything a plan is made from: both sides as last seen (mirror), today's links, what this run looks at, what
    people decided, and what a target refused and is not to be sent yet as it was (see `refusing`). Sides and links may
    be those parts that bear on what is looked at (see `scope`). `guarded`: it is a run's plan, in which removals are
    counted; `linked_elsewhere`: how many linked variants a system has besides."""

    sides: dict[str, ProductTables]
    links: dict[Kind, list[LinkRef]]
    affected: dict[str, dict[Kind, set[str]]]
    settings: ProductSettings
    till_locale: str
    decided: Decided = field(default_factory=Decided)
    guarded: bool = True
    refused: Mapping[tuple[str, str, str], Hold] = field(default_factory=dict)
    linked_elsewhere: Callable[[str], int] = lambda system: 0
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict)
    """What each target can do."""


@dataclass
class Plan:
    """Changes, holds and links of one run.

    `dispositions`: one row a record this run looked at: system, kind, id, disposition, why.
    """

    changes: list[PlannedChange]
    holds: list[Finding]
    warnings: list[Finding]
    new_links: list[LinkRef]
    agreed: list[LinkRef]
    retired: list[LinkRef]
    dispositions: pd.DataFrame

    def count(self, disposition: Disposition) -> int:
        return int((self.dispositions["disposition"] == disposition).sum()) if len(self.dispositions) else 0
