"""What follows where one of two is gone: by policy, and never many at once. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from retail_sync.ledger.rows import Link
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.sync.customers.evidence import finding
from retail_sync.sync.customers.known import Known
from retail_sync.sync.customers.world import World
from retail_sync.sync.engine.findings import Finding
from retail_sync.sync.engine.removals import Part, guard


@dataclass(frozen=True)
class Removal:
    """`survivor` goes too, because `gone` did."""

    gone: Known
    survivor: Known
    target: SystemName
    action: Literal["anonymise", "delete"]
    reason: str
    erase: bool = False


@dataclass
class Followed:
    removals: list[Removal] = field(default_factory=list)
    holds: list[Finding] = field(default_factory=list)
    retired: list[Link] = field(default_factory=list)


def follow_deletions(world: World, widowed: Sequence[Link], looks_at: Callable[[Known], bool]) -> Followed:
    """What becomes of links of which a side is gone. Where both are, the link ends."""
    found = Followed()
    for link in widowed:
        online = world.known("commercetools", link.commercetools_id)
        till = world.known("lightspeed", link.lightspeed_id)
        if online is None or till is None:
            # Never read since the ledger was told of the link: nothing is known, so nothing is concluded.
            continue
        if not online.lives and not till.lives:
            found.retired.append(link)
        elif looks_at(online) or looks_at(till):
            gone, survivor = (till, online) if online.lives else (online, till)
            _follow(world, found, gone, survivor)
    return _guarded(world, found)


def _follow(world: World, found: Followed, gone: Known, survivor: Known) -> None:
    policies = world.settings.deletions
    policy = policies.in_commercetools if gone.system == "commercetools" else policies.in_lightspeed
    if policy == "report":
        found.holds.append(
            finding(
                survivor,
                "deleted_there",
                f"It was deleted in {gone.system}, and lives on.",
                evidence={"partner": gone.subject},
            )
        )
        return
    action: Literal["anonymise", "delete"] = "anonymise" if policy == "anonymise" else "delete"
    found.removals.append(
        Removal(gone, survivor, survivor.system, action, f"deleted in {gone.system}", erase=policy == "erase")
    )


def _guarded(world: World, found: Followed) -> Followed:
    """Where many of a system are gone at once, which is a failed read or a cleared project, none is followed before a
    person approves it."""
    for system in SYSTEMS:
        gone = [one for one in found.removals if one.gone.system == system]
        if not gone:
            continue
        part = Part(
            system=system,
            name=f"the customers of {system} that are linked",
            ids=[one.gone.subject for one in gone],
            labels=[one.survivor.label for one in gone],
            of=world.linked_pairs(),
            recall=[subject for one in gone for subject in (one.gone.subject, one.survivor.subject)],
        )
        setting = "customers.deletions.most_removed_percent"
        stopped = guard(part, world.settings.deletions.most_removed_percent, world.decided.removals, setting)
        if stopped is not None:
            found.holds.append(stopped)
            found.removals = [one for one in found.removals if one.gone.system != system]
    return found
