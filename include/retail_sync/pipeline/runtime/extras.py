"""Packages that only some configurations need: the extras of this package bring them."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from retail_sync.settings.models import SyncSettings
from retail_sync.settings.models.realtime import SqsDestination

NEEDED_BY: tuple[tuple[str, str, Callable[[SyncSettings], bool]], ...] = (
    ("notify", "airflow.providers.http", lambda settings: bool(settings.notify.http_conn_id)),
    ("notify", "airflow.providers.smtp", lambda settings: bool(settings.notify.smtp_conn_id)),
    ("amazon", "airflow.providers.amazon", lambda settings: _through_a_queue(settings)),
    ("amazon", "botocore", lambda settings: _through_a_queue(settings)),
)
"""Extra, a module that it brings, and when that is needed. Staging says for itself what its store needs."""


def missing_extras(settings: SyncSettings) -> dict[str, list[str]]:
    """Extras that the configuration needs and this installation lacks, each with the modules that are not there."""
    missing: dict[str, list[str]] = {}
    for extra, module, is_needed in NEEDED_BY:
        if is_needed(settings) and find_spec(module) is None:
            missing.setdefault(extra, []).append(module)
    return missing


def _through_a_queue(settings: SyncSettings) -> bool:
    told_by = settings.realtime.commercetools
    return told_by is not None and isinstance(told_by.destination, SqsDestination)
