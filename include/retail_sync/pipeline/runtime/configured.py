"""One run, one configuration: the first task keeps a digest of what it was given, every later one compares."""

from __future__ import annotations

import socket
from typing import Any

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.loader import digest_of
from retail_sync.settings.location import settings_path
from retail_sync.settings.models import SyncSettings

STEP = "configuration"
"""Checkpoint of what a run was begun with."""


class OtherConfiguration(ConfigurationFault):
    """This worker has another configuration than the one the run was begun with."""

    default_remedy = (
        "Give all workers the same file, then clear this task. Where the file was changed on purpose while the run was "
        "under way, trigger a new run: it takes up what this one leaves, the cursors have not moved."
    )


def require_one_configuration(ledger: Ledger, run_id: str, settings: SyncSettings) -> str:
    """The digest of this worker's configuration. Raises OtherConfiguration where an earlier task of the run had another
    one: a plan made by one file is not written by another."""
    mine = {
        "digest": digest_of(settings),
        "path": str(settings_path().absolute()),
        "host": socket.gethostname(),
    }
    first = ledger.checkpoints.keep(run_id, STEP, mine)
    if first["digest"] != mine["digest"]:
        raise OtherConfiguration(
            f"The run was begun with configuration {_told(first)}; this worker has configuration {_told(mine)}."
        )
    return mine["digest"]


def _told(one: dict[str, Any]) -> str:
    return f"{one['digest']} ({one['path']} on {one['host']})"
