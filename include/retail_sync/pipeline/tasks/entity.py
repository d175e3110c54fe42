"""The tasks of an entity's run, one function each: open the run, call the engine, leave what came of it in XCom.

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
from retail_sync.pipeline.runtime.notifications import PROBLEM, RUN_NOTE, tell_of_holds
from retail_sync.records.errors import SyncError
from retail_sync.records.ports.products import SystemName
from retail_sync.sync.engine.context import RunContext
from retail_sync.sync.engine.plan_diff import PlanIsStale
from retail_sync.sync.engine.request import RunRequest
from retail_sync.sync.engine.run import INLINE as AT_ONCE
from retail_sync.sync.engine.run import EntityRun, Extracts, PlanRefused
from retail_sync.sync.registry import entity_of

PLAN_SUMMARY = "summary"
"""XCom key of the plan in numbers; its presence says that there is a plan to settle."""
EXTRACTS = "extracts"
"""XCom key of what the task `at_once` read, for the one that settles after it where it failed."""
ACCOUNT = "account"
"""XCom key of the account of a run that one task did at once; of any other run it is what `audit` returns."""
REFUSED = "refused"
"""XCom key of why a plan was not applied: it is not the one that a person saw."""

BY_ITSELF = ("asset_triggered", "scheduled")
"""Types of DAG runs that nobody asked for: what they do is not looked at step by step."""

P = ParamSpec("P")
T = TypeVar("T")


class NothingToSettle(SyncError):
    """The run ended before there was a plan."""

    default_remedy = (
        "Correct what the failed task says, then clear that task: the run goes on where it stopped. After a change of "
        "the configuration file trigger a new run instead."
    )


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
def extract(entity: str, system: SystemName, request: RunRequest | None = None) -> dict[str, Any]:
    """Read the run's window of one system into staging."""
    with _run(entity, request) as run:
        return run.extract(system)


@gathered
def transform(entity: str, extracts: Extracts, request: RunRequest | None = None) -> list[dict[str, Any]]:
    """Map both systems' raw pages to canonical tables."""
    with _run(entity, request) as run:
        return run.transform(extracts)


@gathered
def plan(entity: str, extracts: Extracts, request: RunRequest | None = None) -> list[int]:
    """Compare both sides, and store the plan. Gives the numbers of the batches that `load` is mapped over: none where
    there is nothing to write."""
    instance = get_current_context()["ti"]
    with _run(entity, request) as run:
        try:
            planned = run.plan(extracts)
        except PlanRefused as problem:
            instance.xcom_push(key=PLAN_SUMMARY, value=problem.summary)
            instance.xcom_push(key=REFUSED, value=problem.message)
            raise
        instance.xcom_push(key=PLAN_SUMMARY, value=planned.summary)
        return planned.batches


@gathered
def load(entity: str, batch: int, extracts: Extracts, request: RunRequest | None = None) -> dict[str, int]:
    """Write one batch of the plan, as the one worker that writes the entity now. A retry takes up what is not settled
    yet. Raises LeaseHeld while another worker may still be writing."""
    with _run(entity, request) as run:
        return run.load(batch, extracts)


@gathered
def at_once(entity: str) -> bool:
    """The first task of a run: takes what the inbox holds for the entity. A delta that an event or the schedule started
    does all of its work here, where it is little; True = the ordinary tasks are to go on."""
    context = cast("Mapping[str, Any]", get_current_context())
    instance = context["ti"]
    with run_context(context, entity, first=True) as opened:
        run, ledger, request = run_of(opened, entity), opened.ledger, opened.request
        # A plan that may be refused takes nothing: what waits is the next run's.
        if not (request.limited or request.dry_run or request.plan):
            telling.say(*woken_by(ledger.inbox.claim(entity, opened.run_id), ledger.now()))
        most = opened.settings.realtime.at_once_rows
        by_itself = context["dag_run"].run_type in BY_ITSELF and not request.full
        if not (by_itself and most and ledger.runs.baseline(entity)):
            return True
        with run.reads_again_next_time():
            extracts = run.run_all(most, lambda key, value: instance.xcom_push(key=key, value=value))
            if extracts is not None:
                instance.xcom_push(key=ACCOUNT, value=_settled(run, extracts, instance, ()))
            return extracts is None


def woken_by(events: Sequence[Event], now: datetime) -> list[str]:
    """What the inbox held, in words: which events, how many, and how long they waited (`now`: UTC)."""
    if not events:
        return []
    kinds = Counter(f"{event.source} {event.topic}" for event in events)
    waited = max((now - event.received_at).total_seconds() for event in events)
    told = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
    return [f"{len(events)} events were waiting, the oldest for {waited:.1f} s: {told}."]


def audit(
    entity: str, extracts: Extracts, upstream: Sequence[str], request: RunRequest | None = None
) -> dict[str, Any]:
    """Settle the run, whatever became of the tasks before: holds and cursors in one transaction, accounts that add up.

    `upstream`: the tasks whose errors are gathered. Raises NothingToSettle where there is no plan, PlanIsStale where it
    was refused, and the engine's RunFailed or ProtocolFault where accounts don't add up or changes are left open.
    """
    instance = get_current_context()["ti"]
    problems = problems_of(instance, [beside(instance, name) for name in upstream])
    try:
        with _run(entity, request) as run, run.plans_again():
            planned_by = [beside(instance, name) for name in ("plan", AT_ONCE)]
            if not any(instance.xcom_pull(task_ids=planned_by, key=PLAN_SUMMARY, default=None) or ()):
                raise _nothing_to_settle(run, problems)
            if not all(extracts.values()):
                extracts = instance.xcom_pull(task_ids=planned_by[1], key=EXTRACTS, default=None) or extracts
            if why := instance.xcom_pull(task_ids=planned_by[0], key=REFUSED, default=None):
                # As a dry run is settled: its holds are kept, no cursor moves.
                _settled(run.looking(), extracts, instance, problems)
                run.refuse(why)
                raise PlanIsStale(why)
            return _settled(run, extracts, instance, problems)
    except SyncError as problem:
        # Where there is no plan, or one that was refused, what the tasks before left says it all.
        mine = [] if problems and isinstance(problem, NothingToSettle | PlanIsStale) else [str(problem)]
        instance.xcom_push(key=PROBLEM, value="\n".join([*problems, *mine]))
        raise


def _settled(run: EntityRun, extracts: Extracts, instance: Any, problems: Sequence[str]) -> dict[str, Any]:
    ledger, run_id = run.context.ledger, run.context.run_id
    held_before = sum(ledger.holds.counts(run.name).values())
    try:
        run.settle(extracts)
    finally:
        # The engine stores the account before it raises, so that a failed run shows its numbers too.
        stored = ledger.runs.get(run_id)
        telling.say(*(stored.summary or "").splitlines(), *problems)
        instance.xcom_push(key=RUN_NOTE, value="\n".join([run.counts(), *problems]))
    open_holds = ledger.holds.counts(run.name)
    tell_of_holds(run.context.settings.notify, run.name, held_before, open_holds, instance)
    return {
        "accounts": {name: value for name, value in stored.accounts.items() if name != "add_up"},
        "accounts_add_up": bool(stored.accounts.get("add_up")),
        "summary": run.counts(),
        "holds": open_holds,
    }


def _nothing_to_settle(run: EntityRun, problems: Sequence[str]) -> NothingToSettle:
    reason = problems[0] if problems else "a task before it did not succeed"
    fault = NothingToSettle(f"There is no plan to settle: {reason}")
    run.context.ledger.runs.finish(run.context.run_id, "failed", {}, None, fault.message, fault.remedy)
    instance = get_current_context()["ti"]
    instance.xcom_push(key=RUN_NOTE, value="\n".join(["No plan was made.", *problems]))
    return fault


def problems_of(instance: Any, upstream: Sequence[str]) -> list[str]:
    """What failing tasks left, once each."""
    found: list[str] = []
    for task_id in upstream:
        # `map_indexes` is left out: of a mapped task all instances are asked.
        values = instance.xcom_pull(task_ids=[task_id], key=PROBLEM, default=None)
        for value in values if isinstance(values, list | tuple) else [values]:
            found.extend(value if isinstance(value, list | tuple) else [value])
    return list(dict.fromkeys(str(one) for one in found if one))


def beside(instance: Any, name: str) -> str:
    """The id of a task in the same group."""
    group, dot, _ = str(instance.task_id).rpartition(".")
    return f"{group}{dot}{name}"


def run_of(opened: RunContext, entity: str) -> EntityRun:
    """The run of an open context, whose lines for a person go to the task's log."""
    return EntityRun(opened, entity_of(entity), telling.say)


@contextmanager
def _run(entity: str, request: RunRequest | None) -> Iterator[EntityRun]:
    with run_context(cast("Mapping[str, Any]", get_current_context()), entity, request) as opened:
        yield run_of(opened, entity)
