"""The key that seals what the ledger keeps secret, and what is made with it."""

from __future__ import annotations

import os

from airflow.sdk.configuration import conf

from retail_sync.ledger.ledger import Ledger
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.customers import entity as customers

VARIABLE = "RETAIL_SYNC_SECRET_KEY"


def token_key() -> str:
    """RETAIL_SYNC_SECRET_KEY, else Airflow's fernet key. All workers must see the same one."""
    return os.environ.get(VARIABLE) or str(conf.get("core", "fernet_key", fallback="") or "")


def seal_of(ledger: Ledger, settings: SyncSettings) -> Seal:
    """What private fields of customers are sealed with."""
    return customers.seal_of(ledger, settings, token_key())
