"""How an entry stands to its figure: it shows it, or why it does not, and what the next run would make of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import HoldHead
from retail_sync.ledger.skus import LastWrite, last_writes, open_holds_of
from retail_sync.records.channels import channel_name
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.frames import rows
from retail_sync.sync.engine.last_run import last_settled
from retail_sync.sync.inventory.availability import Figures, Worked
from retail_sync.sync.inventory.explanation import Explanation, entry_unit
from retail_sync.sync.inventory.feeds import ENTITY
from retail_sync.sync.inventory.planner import KIND, plan_stock
from retail_sync.sync.inventory.prepare import state_of

State = Literal["agrees", "waits", "stuck", "left"]


@dataclass(frozen=True)
class Why:
    """One reason. `kind`: held, failed, under way, given up, dry run, rules, unseen, left. `run_id`: the run it speaks
    of."""

    kind: str
    text: str
    remedy: str = ""
    run_id: str = ""


@dataclass(frozen=True)
class Standing:
    """`agrees`: nothing is to be written. `waits`: the next run writes. `stuck`: a person has to look. `left`: by the
    settings nothing is written here. `will`: what the entry would have available after the next run, None = as now."""

    state: State
    will: int | None
    whys: Sequence[Why]


def standings(
    ledger: Ledger, settings: SyncSettings, figures: Figures, found: Collection[Explanation]
) -> dict[tuple[str, str], Standing]:
    """The standing of each explained entry, by SKU and channel name."""
    skus = sorted({one.sku for one in found})
    plan = plan_stock(figures, ledger.stock.entries(skus), settings)
    planned = {(row["sku"], row["channel"]): row for row in rows(plan.entry_writes)}
    ignored = {
        str(row["product_id"]): str(row["why"]) for row in rows(plan.status) if row["status"] == "ignored"
    }
    writes: dict[str, list[LastWrite]] = {}
    for write in last_writes(ledger.engine, skus):
        writes.setdefault(write.unit, []).append(write)
    holds: dict[str, list[HoldHead]] = {}
    for hold in open_holds_of(ledger.engine, [f"lightspeed:{one.product_id}" for one in found]):
        holds.setdefault(hold.subject, []).append(hold)
    fresh = {finding.id: finding.message for finding in plan.holds if finding.kind == KIND}
    moved = _rules_moved(ledger, figures)
    shelves = {worked.shelf.name: worked for worked in figures.shelves}
    out: dict[tuple[str, str], Standing] = {}
    for one in found:
        shelf = shelves[one.channel].shelf
        own = [
            hold
            for hold in holds.get(f"lightspeed:{one.product_id}", ())
            if hold.field in (None, "", one.channel)
        ]
        plans = planned.get((one.sku, shelf.channel))
        out[(one.sku, one.channel)] = _standing(
            one,
            None if plans is None else int(plans["available"]),
            _left(one, shelves[one.channel], settings, ignored.get(one.product_id, "")),
            list(_held(own, fresh.get(one.product_id, "") if _is_held(one, figures) else "")),
            list(_outcomes(writes.get(entry_unit(one.sku, shelf.channel), ()))),
            moved,
        )
    return out


def _standing(
    one: Explanation, will: int | None, left: str, held: list[Why], outcomes: list[Why], rules_moved: bool
) -> Standing:
    if held:
        return Standing("stuck", None, held)
    if will is None:
        if left and (one.entry is None or one.entry["available"] != one.figure):
            return Standing("left", None, [Why("left", left)])
        return Standing("agrees", None, [])
    if outcomes:
        stuck = any(why.kind in ("failed", "given up") for why in outcomes)
        return Standing("stuck" if stuck else "waits", will, outcomes)
    if rules_moved:
        text = "The rules, a selection or the opening of a location changed after the last run."
        return Standing("waits", will, [Why("rules", text, "The next run works out every article again.")])
    text = "The ledger has seen something newer than what was written last."
    return Standing("waits", will, [Why("unseen", text, "The next run writes it.")])


def _left(one: Explanation, worked: Worked, settings: SyncSettings, ignored: str) -> str:
    """Why nothing is written here, by the settings; empty where something would be."""
    if ignored:
        return f"Nothing is written for this article: {ignored}."
    if one.remark.startswith("not in") and worked.shelf.outside_offer == "leave":
        return (
            "This article is not in the channel's offer, and `outside_offer: leave` leaves its entry alone."
        )
    if one.entry is None:
        if one.remark:
            return "No entry is made for an article that the channel does not show."
        if settings.inventory.create_entries != "all":
            return f"There is no entry, and `create_entries: {settings.inventory.create_entries}` makes none now."
    return ""


def _is_held(one: Explanation, figures: Figures) -> bool:
    """Whether a hold of today's figures concerns this channel: its own level, or a SKU that several articles have."""
    articles = figures.given.articles
    twin = articles.loc[articles["product_id"] == one.product_id, "twin"]
    return one.figure is None or bool(twin.any())


def _held(holds: Sequence[HoldHead], fresh: str) -> Iterator[Why]:
    for hold in holds:
        yield Why("held", hold.message, hold.release or "", hold.run_id)
    if fresh and not holds:
        yield Why("held", fresh, "The next run will hold it back.")


def _outcomes(writes: Sequence[LastWrite]) -> Iterator[Why]:
    """What became of the changes that came after the last one that took effect. `writes`: newest first."""
    for write in writes:
        if write.outcome in ("applied", "already_there"):
            return
        if write.outcome == "failed":
            yield Why(
                "failed", f"The last write was refused: {write.error}", write.remedy or "", write.run_id
            )
        elif write.outcome == "planned" and write.run_state == "running":
            yield Why(
                "under way", "A run is writing it now.", "Load the page again in a moment.", write.run_id
            )
        elif write.outcome == "planned":
            text = "A run ended before it knew what came of this write."
            yield Why("given up", text, "The next run looks the entry up.", write.run_id)
        elif write.outcome == "not_applied" and write.dry:
            yield Why(
                "dry run",
                "A dry run planned this and wrote nothing.",
                "The next run writes it; or apply its plan.",
                write.run_id,
            )
        elif write.outcome == "not_applied":
            text = f"A run planned this and did not send it{f': {write.error}' if write.error else '.'}"
            yield Why("given up", text, write.remedy or "The next run plans it again.", write.run_id)


def _rules_moved(ledger: Ledger, figures: Figures) -> bool:
    """Whether the last run worked by other rules; not told where members of selections are not known here."""
    last = last_settled(ledger, ENTITY)
    offers = figures.given.offers
    if last is None or "state" not in last or offers is None:
        return False
    return bool(last["state"] != state_of(figures.given.layout, offers))


@dataclass(frozen=True)
class Elsewhere:
    """A location whose stock the till does not count. `level`: what the till shows, parts, None = unknown; `will`: what
    the next run would make of it, None = as it is; `available`: of the entry that counts, None = there is none."""

    sku: str
    location: str
    channel: str
    level: int | None
    will: int | None
    available: int | None


def elsewhere(
    ledger: Ledger, settings: SyncSettings, figures: Figures, skus: Collection[str]
) -> list[Elsewhere]:
    """These SKUs at the locations that somebody else counts."""
    given = figures.given
    if not given.layout.foreign:
        return []
    entries = ledger.stock.entries(list(skus))
    writes = plan_stock(figures, entries, settings).level_writes
    planned = {(row["sku"], row["place"]): int(row["after"]) for row in rows(writes)}
    held = {(row["sku"], row["channel"]): int(row["available"]) for row in rows(entries)}
    wanted = np.flatnonzero(given.articles["sku"].isin(list(skus)).fillna(False).to_numpy(dtype=bool))
    out: list[Elsewhere] = []
    for position in wanted:
        sku = str(given.articles["sku"].iloc[position])
        for place in given.layout.foreign:
            column = figures.level[place.name]
            level = int(column.values[position]) if column.known[position] else None
            out.append(
                Elsewhere(
                    sku,
                    place.name,
                    channel_name(place.channel),
                    level,
                    planned.get((sku, place.name)),
                    held.get((sku, place.channel)),
                )
            )
    return out
