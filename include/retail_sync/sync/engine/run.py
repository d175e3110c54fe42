"""One run of one entity, step by step or all at once: the same code for every entity and for whoever runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from retail_sync.records.errors import ConfigurationFault, StagedDataDamaged, SyncError
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.sync.engine import text_tables
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.entity import Entity, Feeds
from retail_sync.sync.engine.extract import forget_reading, read_so_far
from retail_sync.sync.engine.plan import ALONG, PlannedRun, store_plan
from retail_sync.sync.engine.plan_diff import PlanIsStale, require_same
from retail_sync.sync.engine.report import Accounts, told
from retail_sync.sync.engine.settle import Audited, audit

INLINE = "at_once"
"""Name of the checkpoint of a run that one task does as a whole: the batches that its plan made."""

Extracts = Mapping[str, Mapping[str, Any] | None]
"""What was read, by system: its name, and its feeds as `Extracted.as_dict` gives them. None: nobody read it."""
Say = Callable[..., None]
Reached = Callable[[str, Any], None]


def _nothing(_what: str, _value: Any) -> None:
    return


class PlanDamaged(SyncError):
    """What the plan rests on is not as it was staged, and its writing has begun."""

    default_remedy = (
        "Clear the task `plan` of this run with all tasks after it: it reads both systems again and plans what is not "
        "written yet. What was written is not written twice."
    )


@dataclass(frozen=True)
class Planned:
    """`batches`: numbers of those that have something to write. `summary`: the plan in numbers."""

    batches: list[int]
    summary: dict[str, Any]
    shows: Sequence[Sequence[Any]] = ()
    """The first changes, with names: for the log only."""


class PlanRefused(PlanIsStale):
    """The plan is not the one that a person saw. `summary`: the plan in numbers; it is stored as not applied."""

    def __init__(self, message: str, summary: dict[str, Any]) -> None:
        super().__init__(message)
        self.summary = summary


@dataclass(frozen=True)
class EntityRun:
    """The run of `context` for one entity. `say`: where its lines for a person go, one log line each.

    Every step may be repeated: what is done stays done. Only counts, paths and cursors come back from a step; records
    stay in the staging store and the ledger.
    """

    context: RunContext
    entity: Entity
    say: Say

    @property
    def name(self) -> str:
        return self.entity.spec.name

    # ---------------------------------------------------------------- steps

    def extract(self, system: SystemName) -> dict[str, Any]:
        """Read the run's window of one system into staging."""
        found = [one.as_dict() for one in self.entity.extract(self.context, system)]
        self.say(*_read_lines(found))
        return {"system": system, "feeds": {one["system"]: one for one in found}}

    def transform(self, extracts: Extracts) -> list[dict[str, Any]]:
        """Map both systems' raw pages to canonical tables."""
        with self.reads_again_next_time():
            return self._transform(self._whole_feeds(extracts)[0])

    def plan(self, extracts: Extracts) -> Planned:
        """Compare both sides, and store the plan. Raises PlanRefused where it is not the one that a person saw."""
        with self.reads_again_next_time():
            feeds, anew = self._whole_feeds(extracts)
            if anew:
                self._transform(feeds)
            return self._plan(feeds)

    def load(self, batch: int, extracts: Extracts) -> dict[str, int]:
        """Write one batch of the plan, as the one worker that writes the entity now. A retry takes up what is not
        settled yet. Raises LeaseHeld while another worker may still be writing."""
        with self.plans_again():
            return self._load(batch, self.feeds(extracts))

    def settle(self, extracts: Extracts) -> Audited:
        """Settle the run: holds and cursors in one transaction, accounts that add up. Raises RunFailed or ProtocolFault
        where they don't, with the account stored."""
        run, feeds, settling = self.context, self.feeds(extracts), self.entity.settling(self.context)
        audited = audit(
            run.ledger,
            run.staging,
            run.settings,
            cursors={
                **{name: feeds[name]["cursor"] for name in self.entity.spec.feeds},
                **settling.cursors,
            },
            dry_run=run.request.dry_run,
            full=run.request.full,
            limited=run.request.limited,
            entity=self.name,
            along=run.ledger.changes.keyed(run.run_id, ALONG),
            place_of=settling.place_of,
        )
        run.ledger.inbox.done(run.run_id)
        return audited

    def looking(self) -> EntityRun:
        """The same run as one that writes nothing: how a run whose plan was refused is settled, so that its holds are
        kept and no cursor moves."""
        return replace(self, context=self.context.looking())

    def refuse(self, why: str) -> None:
        """The run has failed because of its plan; it is settled already."""
        ledger, run_id = self.context.ledger, self.context.run_id
        stored = ledger.runs.get(run_id)
        summary = (stored.summary or "").replace("Dry run, nothing", "The plan was refused, nothing", 1)
        ledger.runs.finish(run_id, "failed", stored.accounts, summary, why, PlanIsStale.default_remedy)

    def run_all(self, most_rows: int | None = None, reached: Reached = _nothing) -> Extracts | None:
        """All steps but settling, one after the other, with the same checkpoints as the single ones. None, with both
        systems read and nothing else done, where that was more than `most_rows`. `reached` is told of what was read,
        and of the plan, as soon as they are there."""
        ledger, run_id = self.context.ledger, self.context.run_id
        extracts: dict[str, dict[str, Any]] = {system: self.extract(system) for system in SYSTEMS}
        feeds = self.feeds(extracts)
        rows = sum(int(one["rows"]) for one in feeds.values())
        if most_rows is not None and rows > most_rows:
            self.say(
                f"{rows} rows are more than {most_rows} (realtime.at_once_rows): the ordinary tasks go on."
            )
            return None
        reached("extracts", extracts)
        done = ledger.checkpoints.get(run_id, INLINE)
        if done is None:
            self._transform(feeds)
            planned = self._plan(feeds)
            reached("summary", planned.summary)
            done = {"batches": planned.batches}
            ledger.checkpoints.set(run_id, INLINE, done)
        for batch in done["batches"]:
            self._load(batch, feeds)
        return extracts

    # ---------------------------------------------------------------- what they are made of

    def feeds(self, extracts: Extracts) -> Feeds:
        """What was read, by feed: as it was handed on, or as it was read again since. Raises ConfigurationFault where
        nobody read a system."""
        feeds: dict[str, Mapping[str, Any]] = {}
        for system in SYSTEMS:
            found = extracts.get(system)
            if found is None:
                raise ConfigurationFault(
                    f"The task extract_{system} left no result.",
                    system=system,
                    remedy="Clear that task together with the tasks after it.",
                )
            feeds |= found["feeds"]
        again = read_so_far(self.context.ledger, self.context.run_id)
        return {name: again[name].as_dict() if name in again else one for name, one in feeds.items()}

    def counts(self) -> str:
        """The run's summary without names of records; nothing before it has an account."""
        run = self.context
        accounts = dict(run.ledger.runs.get(run.run_id).accounts)
        accounts.pop("add_up", None)
        if not accounts:
            return ""
        summary = {**run.staging.read_document("plan")["summary"], "first_holds": []}
        text = told(self.name, Accounts(**accounts), summary)
        if run.request.plan and run.request.dry_run:
            return f"The plan was refused, nothing was written.\n{text}"
        return f"Dry run, nothing was written.\n{text}" if run.request.dry_run else text

    @contextmanager
    def reads_again_next_time(self) -> Iterator[None]:
        """Where staged data is damaged, what this run has read is forgotten: the next try of the step reads it
        again."""
        try:
            yield
        except StagedDataDamaged:
            forget_reading(self.context.ledger, self.context.run_id)
            self.context.ledger.checkpoints.clear(self.context.run_id, INLINE)
            raise

    @contextmanager
    def plans_again(self) -> Iterator[None]:
        """Where staged data is damaged once a plan is being written, only `plan` can make it anew. Raises
        PlanDamaged."""
        ledger, run_id = self.context.ledger, self.context.run_id
        try:
            with self.reads_again_next_time():
                yield
        except StagedDataDamaged as damage:
            stored, fault = ledger.runs.get(run_id), PlanDamaged(damage.message, system=damage.system)
            if stored.state == "running":
                ledger.runs.finish(
                    run_id, "failed", stored.accounts, stored.summary, fault.message, fault.remedy
                )
            raise fault from damage

    def _transform(self, feeds: Feeds) -> list[dict[str, Any]]:
        found = [one.as_dict() for one in self.entity.transform(self.context, feeds)]
        if found:
            self.say(*text_tables.table(list(found[0]), [list(one.values()) for one in found]))
        return found

    def _plan(self, feeds: Feeds) -> Planned:
        run = self.context
        run.ledger.runs.set_windows(run.run_id, {name: one["window"] for name, one in feeds.items()})
        planned = self._as_seen() if run.request.plan else self._planned_by(run)
        batches = run.ledger.changes.open_batches(run.run_id)
        self.say(*_plan_lines(planned, batches, dry_run=run.request.dry_run))
        return Planned(sorted(batches), planned.summary, planned.told.shows)

    def _planned_by(self, run: RunContext) -> PlannedRun:
        needed = self.entity.spec.needs_baseline_of
        if needed and run.ledger.runs.baseline(needed) is None and not run.request.dry_run:
            raise ConfigurationFault(
                f"{needed.capitalize()} have had no first alignment, so nothing is linked that {self.name} could "
                "follow.",
                remedy=f"Run the DAG `{needed}` with mode=full first.",
            )
        return store_plan(run, self.name, self.entity.plan(run))

    def _as_seen(self) -> PlannedRun:
        """The plan, if it is the one that a person saw. It is made as a dry run first, which keeps neither links nor
        agreed values, so that a plan that is refused leaves nothing behind. Raises PlanRefused, with the plan stored as
        not applied."""
        run = self.context
        shown = run.ledger.runs.get(run.request.plan)
        seen = run.ledger.changes.read(shown.id)
        if len(seen) != shown.accounts.get("changes"):
            raise ConfigurationFault(
                f"The plan of {shown.id} is not whole any more: {len(seen)} of its {shown.accounts.get('changes')} "
                "changes are kept.",
                remedy="Make a new dry run, and apply that one.",
            )
        for pass_ in (run.looking(), run):
            planned = self._planned_by(pass_)
            try:
                require_same(seen, run.ledger.changes.read(run.run_id), shown.id)
            except PlanIsStale as problem:
                run.ledger.changes.leave(run.run_id, problem.message)
                raise PlanRefused(problem.message, planned.summary) from problem
        self.say(f"The plan is the one of {shown.id}: {len(seen)} changes.")
        return planned

    def _load(self, batch: int, feeds: Feeds) -> dict[str, int]:
        with self.context.writing(self.name):
            outcomes = self.entity.load(self.context, batch, feeds)
        self.say(*text_tables.counts("outcome", outcomes))
        return outcomes

    def _whole_feeds(self, extracts: Extracts) -> tuple[Feeds, bool]:
        """What was read, and whether it was read just now: a step that found it damaged had it forgotten. It is read
        here, outside the pools of the systems, because no task can start another one; the request budgets hold all the
        same."""
        feeds = self.feeds(extracts)
        done = read_so_far(self.context.ledger, self.context.run_id)
        if all(name in done for name, one in feeds.items() if one.get("read", True)):
            return feeds, False
        self.say("Both systems are read again, because what was staged of them is not as it was written.")
        return self.feeds({system: self.extract(system) for system in SYSTEMS}), True


def _read_lines(found: list[dict[str, Any]]) -> list[str]:
    return [
        *text_tables.table(
            ["read", "rows", "pages", "from", "to"],
            [
                [
                    one["system"],
                    one["rows"],
                    one["pages"],
                    one["window"]["lower"] or "the beginning",
                    one["window"]["upper"] or "the end",
                ]
                for one in found
            ],
        ),
        *(
            f"Resumed after page {one['resumed_from']} of {one['system']}."
            for one in found
            if one["resumed_from"]
        ),
    ]


def _plan_lines(planned: PlannedRun, batches: Mapping[int, int], *, dry_run: bool) -> list[str]:
    summary, told = planned.summary, planned.told
    changes = sum(summary["changes"].values())
    return [
        *text_tables.counts("read", {**summary["read"], "due again": summary["recalled"]}),
        *text_tables.counts("records", summary["dispositions"]),
        *text_tables.counts("planned change", summary["changes"]),
        *text_tables.counts("hold", summary["holds"]),
        *text_tables.counts("warning", summary["warnings"]),
        *text_tables.hold_lines(planned.first_holds, sum(summary["holds"].values())),
        *told.lines,
        *(text_tables.first_changes(told.head, told.shows, changes) if told.head else ()),
        *told.remarks,
        f"{sum(batches.values())} changes to write in {len(batches)} batches"
        + (" (dry run: nothing is written)." if dry_run else "."),
    ]
