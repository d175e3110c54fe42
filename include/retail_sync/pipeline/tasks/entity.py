"""The tasks of an entity's run, one function each: open the run, call the engine, tell what came of it.

Only counts, paths and cursors leave a step; records stay in the staging store and the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from airflow.sdk import get_current_context

from retail_sync.ledger.rows import Event
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.context import run_context, task_name
from retail_sync.pipeline.runtime.notifications import PROBLEM, tell_of_holds
from retail_sync.records.errors import ConfigurationFault, StagedDataDamaged, SyncError
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.sync.engine import text_tables
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.entity import Engine, Feeds, PlannedRun
from retail_sync.sync.engine.extract import forget_reading, read_so_far
from retail_sync.sync.engine.plan_diff import PlanIsStale, require_same
from retail_sync.sync.engine.report import Accounts, told
from retail_sync.sync.engine.request import RunRequest

PLAN_SUMMARY = "summary"
"""XCom key of the plan in numbers; its presence says that there is a plan to settle."""
EXTRACTS = "extracts"
"""XCom key of what the task `at_once` read, for the one that settles after it where it failed."""
AT_ONCE = "at_once"
ACCOUNT = "account"
"""XCom key of the account of a run that one task did at once; of any other run it is what `audit` returns."""
REFUSED = "refused"
"""XCom key of why a plan was not applied: it is not the one that a person saw."""
RUN_NOTE = "run_note"
"""XCom key of the text that becomes the DAG run's note (see plugins/retail_sync_plugin.py)."""

P = ParamSpec("P")
T = TypeVar("T")
Extracts = Mapping[str, Mapping[str, Any] | None]


class NothingToSettle(SyncError):
    """The run ended before there was a plan."""

    default_remedy = (
        "Correct what the failed task says, then clear that task: the run goes on where it stopped. After a change of "
        "the configuration file trigger a new run instead."
    )


class PlanDamaged(SyncError):
    """What the plan rests on is not as it was staged, and its writing has begun."""

    default_remedy = (
        "Clear the task `plan` of this run with all tasks after it: it reads both systems again and plans what is not "
        "written yet. What was written is not written twice."
    )


def engine_of(entity: str) -> Engine:
    """The engine of an entity."""
    if entity == "prices":
        from retail_sync.sync.prices.entity import PriceEngine

        return PriceEngine()
    if entity == "inventory":
        from retail_sync.sync.inventory.entity import StockEngine

        return StockEngine()
    if entity == "customers":
        from retail_sync.sync.customers.entity import CustomerEngine

        return CustomerEngine()
    if entity == "orders":
        from retail_sync.sync.orders.entity import OrderEngine

        return OrderEngine()
    if entity == "sales":
        from retail_sync.sync.sales.entity import SaleEngine

        return SaleEngine()
    from retail_sync.sync.products.entity import ProductEngine

    return ProductEngine()


def gathered(step: Callable[P, T]) -> Callable[P, T]:
    """A step whose error is also left in XCom, so that the run's end can name it."""

    @wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return step(*args, **kwargs)
        except Exception as problem:
            instance = get_current_context()["ti"]
            # The text of an error nobody here wrote may hold anything; its kind has to do.
            text = str(problem) if isinstance(problem, SyncError) else type(problem).__name__
            instance.xcom_push(key=PROBLEM, value=f"{task_name(instance)}: {text}")
            raise

    return run


@gathered
def extract(entity: str, system: SystemName, order: RunRequest | None = None) -> dict[str, Any]:
    """Read the run's window of one system into staging."""
    with _context(entity, order) as run:
        return _extracted(run, entity, system)


def _extracted(run: RunContext, entity: str, system: SystemName) -> dict[str, Any]:
    found = engine_of(entity).extract(run, system)
    telling.say(
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
    )
    return {"system": system, "feeds": {one["system"]: one for one in found}}


@gathered
def transform(entity: str, extracts: Extracts, order: RunRequest | None = None) -> list[dict[str, Any]]:
    """Map both systems' raw pages to canonical tables."""
    with _context(entity, order) as run, _read_again_next_time(run):
        return _transformed(run, entity, _whole_feeds(run, entity, extracts)[0])


def _transformed(run: RunContext, entity: str, feeds: Feeds) -> list[dict[str, Any]]:
    found = engine_of(entity).transform(run, feeds)
    head = list(found[0])
    telling.say(*text_tables.table(head, [list(one.values()) for one in found]))
    return found


@gathered
def plan(entity: str, extracts: Extracts, order: RunRequest | None = None) -> list[int]:
    """Compare both sides, and store the plan. Gives the numbers of the batches that `load` is mapped over: none where
    there is nothing to write."""
    with _context(entity, order) as run, _read_again_next_time(run):
        feeds, anew = _whole_feeds(run, entity, extracts)
        if anew:
            _transformed(run, entity, feeds)
        return _planned(run, entity, feeds)


def _planned(run: RunContext, entity: str, feeds: Feeds) -> list[int]:
    run.ledger.set_windows(run.run_id, {name: one["window"] for name, one in feeds.items()})
    made = _planned_as_seen if run.request.plan else _planned_anew
    planned = made(run, entity, feeds)
    batches = run.ledger.changes.open_batches(run.run_id)
    summary = planned.summary
    to_do = sum(batches.values())
    telling.say(
        *text_tables.counts("read", {**summary["read"], "due again": summary["recalled"]}),
        *text_tables.counts("records", summary["dispositions"]),
        *text_tables.counts("planned change", summary["changes"]),
        *text_tables.counts("hold", summary["holds"]),
        *text_tables.counts("warning", summary["warnings"]),
        *text_tables.hold_lines(planned.first_holds, sum(summary["holds"].values())),
        *planned.lines,
        f"{to_do} changes to write in {len(batches)} batches"
        + (" (dry run: nothing is written)." if run.request.dry_run else "."),
    )
    get_current_context()["ti"].xcom_push(key=PLAN_SUMMARY, value=summary)
    return sorted(batches)


def _planned_anew(run: RunContext, entity: str, feeds: Feeds) -> PlannedRun:
    return engine_of(entity).plan(run, feeds)


def _planned_as_seen(run: RunContext, entity: str, feeds: Feeds) -> PlannedRun:
    """The plan, if it is the one that a person saw. It is made as a dry run first, which keeps neither links nor agreed
    values, so that a plan that is refused leaves nothing behind. Raises PlanIsStale, with the plan stored as not
    applied."""
    shown = run.ledger.run(run.request.plan)
    seen = run.ledger.changes.read(shown.id)
    if len(seen) != shown.accounts.get("changes"):
        raise ConfigurationFault(
            f"The plan of {shown.id} is not whole any more: {len(seen)} of its {shown.accounts.get('changes')} changes "
            "are kept.",
            remedy="Make a new dry run, and apply that one.",
        )
    engine = engine_of(entity)
    for pass_ in (run.looking(), run):
        planned = engine.plan(pass_, feeds)
        try:
            require_same(seen, run.ledger.changes.read(run.run_id), shown.id)
        except PlanIsStale as problem:
            run.ledger.changes.leave(run.run_id, problem.message)
            instance = get_current_context()["ti"]
            instance.xcom_push(key=PLAN_SUMMARY, value=planned.summary)
            instance.xcom_push(key=REFUSED, value=problem.message)
            raise
    telling.say(f"The plan is the one of {shown.id}: {len(seen)} changes.")
    return planned


@gathered
def load(entity: str, batch: int, extracts: Extracts, order: RunRequest | None = None) -> dict[str, int]:
    """Write one batch of the plan, as the one worker that writes the entity now. A retry takes up what is not settled
    yet. Raises LeaseHeld while another worker may still be writing."""
    with _context(entity, order) as run, plan_again(run):
        return _loaded(run, entity, batch, feeds_of(run, extracts))


def _loaded(run: RunContext, entity: str, batch: int, feeds: Feeds) -> dict[str, int]:
    with run.writing(entity):
        outcomes = engine_of(entity).load(run, batch, feeds)
    telling.say(*text_tables.counts("outcome", outcomes))
    return outcomes


@gathered
def at_once(entity: str) -> bool:
    """The first task of a run: takes what the inbox holds for the entity. A run that an event started does all of its
    work here, where it is little; True = the ordinary tasks are to go on.

    What they do is what this does, step by step, with the same checkpoints: a retry takes up what is not done yet.
    """
    context = cast("Mapping[str, Any]", get_current_context())
    with run_context(context, entity, first=True) as run:
        # A plan that may be refused takes nothing: what waits is the next run's.
        if not (run.request.limited or run.request.dry_run or run.request.plan):
            telling.say(*woken_by(run.ledger.inbox.claim(entity, run.run_id), run.ledger.now()))
        most = run.settings.realtime.at_once_rows
        rung = context["dag_run"].run_type == "asset_triggered"
        if not (rung and most and run.ledger.baseline(entity)):
            return True
        with _read_again_next_time(run):
            return not _all_at_once(run, entity, most, context["ti"])


def _all_at_once(run: RunContext, entity: str, most: int, instance: Any) -> bool:
    """The whole run; False where it reads more than `most` rows."""
    extracts: dict[str, dict[str, Any]] = {system: _extracted(run, entity, system) for system in SYSTEMS}
    feeds = feeds_of(run, extracts)
    rows = sum(int(one["rows"]) for one in feeds.values())
    if rows > most:
        telling.say(f"{rows} rows are more than {most} (realtime.at_once_rows): the ordinary tasks go on.")
        return False
    instance.xcom_push(key=EXTRACTS, value=extracts)
    done = run.ledger.checkpoints.get(run.run_id, AT_ONCE)
    if done is None:
        _transformed(run, entity, feeds)
        done = {"batches": _planned(run, entity, feeds)}
        run.ledger.checkpoints.set(run.run_id, AT_ONCE, done)
    for batch in done["batches"]:
        _loaded(run, entity, batch, feeds)
    instance.xcom_push(key=ACCOUNT, value=_settled(run, entity, extracts, instance, ()))
    return True


def woken_by(events: Sequence[Event], now: datetime) -> list[str]:
    """What the inbox held, in words: which events, how many, and how long they waited (`now`: UTC)."""
    if not events:
        return []
    kinds = Counter(f"{event.source} {event.topic}" for event in events)
    waited = max((now - event.received_at).total_seconds() for event in events)
    told = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
    return [f"{len(events)} events were waiting, the oldest for {waited:.1f} s: {told}."]


def audit(
    entity: str, extracts: Extracts, upstream: Sequence[str], order: RunRequest | None = None
) -> dict[str, Any]:
    """Settle the run, whatever became of the tasks before: holds and cursors in one transaction, accounts that add up.

    `upstream`: the tasks whose errors are gathered. Raises NothingToSettle where there is no plan, PlanIsStale where it
    was refused, and the engine's RunFailed or ProtocolFault where accounts don't add up or changes are left open.
    """
    context = get_current_context()
    instance = context["ti"]
    problems = problems_of(instance, [beside(instance, name) for name in upstream])
    try:
        with _context(entity, order) as run, plan_again(run):
            planned_by = [beside(instance, name) for name in ("plan", AT_ONCE)]
            if not any(instance.xcom_pull(task_ids=planned_by, key=PLAN_SUMMARY, default=None) or ()):
                raise _nothing_to_settle(run, problems)
            if not all(extracts.values()):
                extracts = instance.xcom_pull(task_ids=planned_by[1], key=EXTRACTS, default=None) or extracts
            if why := instance.xcom_pull(task_ids=planned_by[0], key=REFUSED, default=None):
                raise _refused(run, entity, extracts, instance, problems, why)
            return _settled(run, entity, extracts, instance, problems)
    except SyncError as problem:
        # Where there is no plan, or one that was refused, what the tasks before left says it all.
        mine = [] if problems and isinstance(problem, NothingToSettle | PlanIsStale) else [str(problem)]
        instance.xcom_push(key=PROBLEM, value="\n".join([*problems, *mine]))
        raise


def _settled(
    run: RunContext, entity: str, extracts: Extracts, instance: Any, problems: Sequence[str]
) -> dict[str, Any]:
    held_before = sum(run.ledger.holds.counts(entity).values())
    try:
        engine_of(entity).audit(run, feeds_of(run, extracts))
        run.ledger.inbox.done(run.run_id)
    finally:
        # The engine stores the account before it raises, so that a failed run shows its numbers too.
        stored = run.ledger.run(run.run_id)
        telling.say(*(stored.summary or "").splitlines(), *problems)
        instance.xcom_push(key=RUN_NOTE, value="\n".join([_counts_only(run, entity), *problems]))
    open_holds = run.ledger.holds.counts(entity)
    tell_of_holds(run.settings.notify, entity, held_before, open_holds, instance)
    return {
        "accounts": {name: value for name, value in stored.accounts.items() if name != "add_up"},
        "accounts_add_up": bool(stored.accounts.get("add_up")),
        "summary": _counts_only(run, entity),
        "holds": open_holds,
    }


def _refused(
    run: RunContext, entity: str, extracts: Extracts, instance: Any, problems: Sequence[str], why: str
) -> PlanIsStale:
    """Settle a run whose plan was refused, as a dry run is: its holds are kept, no cursor moves; and it failed."""
    _settled(run.looking(), entity, extracts, instance, problems)
    stored = run.ledger.run(run.run_id)
    summary = (stored.summary or "").replace("Dry run, nothing", "The plan was refused, nothing", 1)
    run.ledger.finish_run(run.run_id, "failed", stored.accounts, summary, why)
    return PlanIsStale(why)


def _nothing_to_settle(run: RunContext, problems: Sequence[str]) -> NothingToSettle:
    reason = problems[0] if problems else "a task before it did not succeed"
    fault = NothingToSettle(f"There is no plan to settle: {reason}")
    run.ledger.finish_run(run.run_id, "failed", {}, None, fault.message)
    instance = get_current_context()["ti"]
    instance.xcom_push(key=RUN_NOTE, value="\n".join(["No plan was made.", *problems]))
    return fault


def _counts_only(run: RunContext, entity: str) -> str:
    """The run's summary without names of records."""
    accounts = dict(run.ledger.run(run.run_id).accounts)
    accounts.pop("add_up", None)
    if not accounts:
        return ""
    summary = {**run.staging.read_document("plan")["summary"], "first_holds": []}
    text = told(entity, Accounts(**accounts), summary)
    if run.request.plan and run.request.dry_run:
        return f"The plan was refused, nothing was written.\n{text}"
    return f"Dry run, nothing was written.\n{text}" if run.request.dry_run else text


def problems_of(instance: Any, upstream: Sequence[str]) -> list[str]:
    """What failing tasks left, once each."""
    found: list[str] = []
    for task_id in upstream:
        # `map_indexes` is left out: of a mapped task all instances are asked.
        values = instance.xcom_pull(task_ids=[task_id], key=PROBLEM, default=None)
        for value in values if isinstance(values, list | tuple) else [values]:
            found.extend(value if isinstance(value, list | tuple) else [value])
    return list(dict.fromkeys(str(one) for one in found if one))


def feeds_of(run: RunContext, extracts: Extracts) -> Feeds:
    """What was read, by feed: as the tasks left it, or as it was read again since. Raises ConfigurationFault where a
    task left nothing."""
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
    again = read_so_far(run.ledger, run.run_id)
    return {name: again[name].as_dict() if name in again else one for name, one in feeds.items()}


def _whole_feeds(run: RunContext, entity: str, extracts: Extracts) -> tuple[Feeds, bool]:
    """What was read, and whether it was read just now: a step that found it damaged had it forgotten. It is read here,
    outside the pools of the systems, because no task can start another one; the request budgets hold all the same."""
    feeds = feeds_of(run, extracts)
    done = read_so_far(run.ledger, run.run_id)
    if all(name in done for name, one in feeds.items() if one.get("read", True)):
        return feeds, False
    telling.say("Both systems are read again, because what was staged of them is not as it was written.")
    return feeds_of(run, {system: _extracted(run, entity, system) for system in SYSTEMS}), True


@contextmanager
def _read_again_next_time(run: RunContext) -> Iterator[None]:
    """Where staged data is damaged, what this run has read is forgotten: the next try of this step reads it again."""
    try:
        yield
    except StagedDataDamaged:
        forget_reading(run.ledger, run.run_id)
        run.ledger.checkpoints.clear(run.run_id, AT_ONCE)
        raise


@contextmanager
def plan_again(run: RunContext) -> Iterator[None]:
    """Where staged data is damaged once a plan is being written, only `plan` can make it anew. Raises PlanDamaged."""
    try:
        with _read_again_next_time(run):
            yield
    except StagedDataDamaged as damage:
        stored = run.ledger.run(run.run_id)
        if stored.state == "running":
            run.ledger.finish_run(run.run_id, "failed", stored.accounts, stored.summary, damage.message)
        raise PlanDamaged(damage.message, system=damage.system) from damage


def beside(instance: Any, name: str) -> str:
    """The id of a task in the same group."""
    group, dot, _ = str(instance.task_id).rpartition(".")
    return f"{group}{dot}{name}"


def _context(entity: str, order: RunRequest | None) -> Any:
    return run_context(cast("Mapping[str, Any]", get_current_context()), entity, order)
