"""What a DAG file has to know of the configuration while it is parsed: schedules, when data counts as old, and which
queue is listened to.

The whole configuration is validated by the first task that needs it (and by `preflight`). Here only three sections are
read, because a DAG file is parsed every few seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from retail_sync.settings.cron import is_schedule
from retail_sync.settings.models import Notify, Schedules
from retail_sync.settings.realtime import SqsDestination

CONFIG_VARIABLE = "RETAIL_SYNC_CONFIG"


class ScheduleError(ValueError):
    """The configuration's schedules can't be read; Airflow shows the message as the DAG's import error, which is where
    people look for a DAG that is gone."""


def schedule_of(name: str) -> str | None:
    """The cron expression (UTC) of a line in `schedules`; None = only by hand."""
    known = Schedules.model_fields
    if name not in known:
        raise ScheduleError(f"There is no schedule {name!r}; there are {', '.join(known)}.")
    found = _section("schedules").get(name, known[name].default)
    if found is not None and not (isinstance(found, str) and is_schedule(found)):
        # Airflow would show a DAG with a schedule it can't read as healthy, and never start it.
        raise ScheduleError(
            f"{_path()}: schedules.{name} is {found!r}. What to do: write five cron fields in quotes, or null."
        )
    return found


def schedule_if_any(name: str) -> str | None:
    """As `schedule_of`, and None where the configuration can't be read: for the DAG that says what is wrong with it."""
    try:
        return schedule_of(name)
    except ScheduleError:
        return None


def minutes_until_old() -> int:
    """After how many minutes data counts as old (`notify.data_older_than_minutes`)."""
    found = _section("notify").get(
        "data_older_than_minutes", Notify.model_fields["data_older_than_minutes"].default
    )
    if not isinstance(found, int) or found < 1:
        raise ScheduleError(
            f"{_path()}: notify.data_older_than_minutes is {found!r}. What to do: write a number of minutes."
        )
    return found


@dataclass(frozen=True)
class Queue:
    """An SQS queue, and the Airflow connection that may empty it."""

    url: str
    region: str
    aws_conn_id: str


def listened_queue() -> Queue | None:
    """The queue of `realtime.commercetools.destination`; None = commercetools delivers elsewhere, or not at all."""
    found: Any = _section("realtime")
    for name in ("commercetools", "destination"):
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, dict) or found.get("type") != "SQS":
        return None
    default = SqsDestination.model_fields["aws_conn_id"].default
    queue = Queue(found.get("queue_url", ""), found.get("region", ""), found.get("aws_conn_id", default))
    if not all(isinstance(value, str) and value.strip() for value in vars(queue).values()):
        raise ScheduleError(
            f"{_path()}: realtime.commercetools.destination names no queue. What to do: write `queue_url` and "
            "`region` as texts."
        )
    return queue


def _path() -> Path:
    named = os.environ.get(CONFIG_VARIABLE, "").strip()
    if not named:
        raise ScheduleError(
            f"{CONFIG_VARIABLE} is not set for this component. What to do: set it to your configuration file, here and "
            "for the workers, the triggerer and the API server; then run the DAG `preflight`."
        )
    return Path(named).expanduser()


def _section(name: str) -> Mapping[str, Any]:
    path = _path()
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        raise ScheduleError(
            f"{CONFIG_VARIABLE} names {path}, which does not exist. What to do: put the file there."
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ScheduleError(f"{path} can't be read: {problem}. What to do: correct it.") from None
    section = document.get(name) if isinstance(document, dict) else None
    if section is not None and not isinstance(section, dict):
        raise ScheduleError(
            f"{path}: `{name}` is not a section. What to do: put `key: value` lines below it."
        )
    return section or {}


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
