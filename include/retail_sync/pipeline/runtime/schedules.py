"""What a DAG file has to know of the configuration while it is parsed: schedules, when data counts as old, and which
queue is listened to.

A DAG file is parsed every few seconds, so the file is read by the fast parser, and only the settings asked for are
validated, by their own models. The whole configuration is validated by the first task that needs it (and by
`preflight`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.location import settings_path
from retail_sync.settings.models.base import Settings
from retail_sync.settings.models.realtime import SqsDestination
from retail_sync.settings.models.schedules import Notify, Schedules

Model = TypeVar("Model", bound=Settings)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class ScheduleError(ValueError):
    """The configuration's schedules can't be read; Airflow shows the message as the DAG's import error, which is where
    people look for a DAG that is gone."""


def schedule_of(name: str) -> str | None:
    """The cron expression (UTC) of a line in `schedules`; None = only by hand."""
    if name not in Schedules.model_fields:
        raise ScheduleError(f"There is no schedule {name!r}; there are {', '.join(Schedules.model_fields)}.")
    found: str | None = getattr(_read(Schedules, "schedules", only=name), name)
    return found


def schedule_if_any(name: str) -> str | None:
    """As `schedule_of`, and None where the configuration can't be read: for the DAG that says what is wrong with it."""
    try:
        return schedule_of(name)
    except ScheduleError:
        return None


def minutes_until_old() -> int:
    """After how many minutes data counts as old (`notify.data_older_than_minutes`)."""
    return _read(Notify, "notify", only="data_older_than_minutes").data_older_than_minutes


def listened_queue() -> SqsDestination | None:
    """The queue of `realtime.commercetools.destination`; None = commercetools delivers elsewhere, or not at all."""
    path = _path()
    here: Any = _document(path)
    for name in ("realtime", "commercetools", "destination"):
        here = here.get(name) if isinstance(here, dict) else None
    if not isinstance(here, dict) or here.get("type") != "SQS":
        return None
    return _validated(SqsDestination, here, path)


def _read(model: type[Model], section: str, *, only: str) -> Model:
    """A section with one setting of its own; the others are not looked at."""
    path = _path()
    found = _document(path).get(section)
    if found is not None and not isinstance(found, dict):
        raise ScheduleError(
            f"{path}: `{section}` is not a section. What to do: put `key: value` lines below it."
        )
    return _validated(model, {name: value for name, value in (found or {}).items() if name == only}, path)


def _validated(model: type[Model], given: Mapping[str, Any], path: Path) -> Model:
    """Raises ScheduleError with what the whole configuration says of it: by line, and with the way out."""
    try:
        return model.model_validate(given)
    except ValidationError as wrong:
        from retail_sync.settings.loader import parse_settings

        try:
            parse_settings(path.read_text(encoding="utf-8"), name=str(path))
        except ConfigurationFault as told:
            raise ScheduleError(str(told)) from None
        raise ScheduleError(f"{path}: {wrong}. What to do: run preflight.") from None


def _path() -> Path:
    try:
        return settings_path()
    except ConfigurationFault as unset:
        raise ScheduleError(f"{unset} Then run the DAG `preflight`.") from None


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except FileNotFoundError:
        raise ScheduleError(f"{path} does not exist. What to do: put the file there.") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise ScheduleError(f"{path} can't be read: {problem}. What to do: correct it.") from None
    return document if isinstance(document, dict) else {}
