"""What one run was asked to do, and its name in the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

from retail_sync.ledger.rows import Mode
from retail_sync.pipeline.runtime.entities import LONGEST_KEY, MOST_KEYS
from retail_sync.records.errors import ConfigurationFault
from retail_sync.sync.engine.request import Direction, RunRequest

if TYPE_CHECKING:
    from retail_sync.ledger.rows import Run

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Neither system holds anything older."""
LATEST_YEAR = 9998
_SHOWN = 60
_UNSTORABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters and halves of characters: in no identifier of either system, and not to be stored."""


def order_of(params: Mapping[str, Any], *, now: datetime | None = None, dated: bool = False) -> RunRequest:
    """The order in a run's params. Raises ConfigurationFault naming the param that makes no sense.

    `dated`: a full run may begin at a date.
    The form checks types already; this also holds for runs triggered by API, CLI or another DAG.
    """
    approve, reject = keys_in("approve", params.get("approve")), keys_in("reject", params.get("reject"))
    order = RunRequest(
        mode=_one_of("mode", params.get("mode", "delta"), get_args(Mode)),
        dry_run=_flag("dry_run", params.get("dry_run", False)),
        since=_time("since", params.get("since")),
        keys=_not_too_many([*keys_in("keys", params.get("keys")), *approve, *reject]),
        direction=_one_of("direction", params.get("direction", "both"), get_args(Direction)),
        approve=approve,
        reject=reject,
        plan=_text("plan", params.get("plan")),
    )
    if order.plan and order != RunRequest(plan=order.plan):
        raise _fault(
            "`plan` was given together with another param, but what to read and write is that plan's.",
            "Give `plan` alone.",
        )
    if order.dry_run and (approve or reject):
        raise _fault(
            "A decision was given together with dry_run, which keeps nothing.",
            "Leave one of them out.",
        )
    if order.since and order.since > (now or datetime.now(UTC)):
        raise _fault(f"`since` is in the future ({order.since.isoformat()}).", "Give a time that has passed.")
    if order.since and order.mode == "full" and not dated:
        raise _fault(
            "`since` was given with mode=full, which reads everything.",
            "Leave `since` empty, or use mode=delta.",
        )
    if order.since and order.keys:
        raise _fault(
            "`since` was given together with `keys`, which are read as they are now.",
            "Leave one of them empty.",
        )
    return order


def as_seen(order: RunRequest, run: Run, entity: str, *, dated: bool = False) -> RunRequest:
    """The order of a run that applies the plan of `run`: what that dry run read, and to write. Raises
    ConfigurationFault where it is no dry run of this entity, or did not end well."""
    if run.entity != entity:
        raise _fault(f"`plan` is a run of {run.entity}, not of {entity}.", f"Trigger `{run.entity}` instead.")
    if not run.params.get("dry_run"):
        raise _fault(f"`plan` is {run.id}, which was no dry run.", "Give the id of a dry run.")
    if run.state != "succeeded":
        raise _fault(f"`plan` is {run.id}, which has {_ended(run)}.", "Make a new dry run, and give its id.")
    read = {name: run.params[name] for name in ("mode", "since", "keys", "direction") if name in run.params}
    return replace(order_of(read, dated=dated), plan=order.plan)


def _ended(run: Run) -> str:
    return "not ended" if run.state == "running" else "failed"


def ledger_run_id(dag_id: str, airflow_run_id: str, entity: str) -> str:
    """The run's id in the ledger and, made harmless, its folder in the staging store."""
    return f"{dag_id}/{airflow_run_id}" if dag_id == entity else f"{dag_id}/{entity}/{airflow_run_id}"


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise _fault(f"`{name}` is {_shown(value)}.", f"Use one of: {', '.join(allowed)}.")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _fault(f"`{name}` is {_shown(value)}.", "Use true or false.")
    return value


def _time(name: str, value: Any) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise _fault(
            f"`{name}` is {_shown(value)}, which is no time.", "Write it as 2026-01-31T09:00:00+00:00."
        ) from None
    # Compared before it is converted: the first and the last days of the calendar have no time in UTC.
    if moment.replace(tzinfo=UTC) < EARLIEST or moment.year > LATEST_YEAR:
        raise _fault(
            f"`{name}` is {_shown(value)}, before {EARLIEST:%Y} or beyond all calendars.", "Correct the year."
        )
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(name: str, value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise _fault(
            f"`{name}` is {_shown(value)}, which is no text.", "Give the run's id as the ledger has it."
        )
    return _possible(name, (value or "").strip())


def keys_in(name: str, value: Any) -> tuple[str, ...]:
    """The keys in the param `name`, each once. Raises ConfigurationFault for what is no list of keys, for a key that
    can be none, and for too many."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise _fault(f"`{name}` is no list of texts.", 'Give a list of texts, such as ["SKU-1", "SKU-2"].')
    return _not_too_many([_possible(name, item.strip()) for item in value if item.strip()])


def _not_too_many(keys: Iterable[str]) -> tuple[str, ...]:
    once = tuple(dict.fromkeys(keys))
    if len(once) > MOST_KEYS:
        raise _fault(
            f"{len(once)} keys were given; a run looks at {MOST_KEYS} one by one at most.",
            "Give fewer, or use mode=full without keys, which takes less.",
        )
    return once


def _possible(name: str, key: str) -> str:
    if len(key) > LONGEST_KEY:
        raise _fault(
            f"`{name}` holds {_shown(key)} of {len(key)} characters.",
            f"No key is longer than {LONGEST_KEY}: give one a line.",
        )
    if wrong := _UNSTORABLE.search(key):
        raise _fault(
            f"`{name}` holds {_shown(key)}, whose character {wrong.start() + 1} is in no key.",
            "Type it anew.",
        )
    return key


def _shown(value: Any) -> str:
    """A value in a message: quoted, and no more of it than helps to find it."""
    try:
        text = repr(value)
    except ValueError:
        # A number that is too long to be written down.
        text = type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _fault(message: str, remedy: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"The run's params can't be used: {message}", remedy=f"{remedy} Then trigger it again."
    )
