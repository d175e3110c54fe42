"""The key that seals rotating tokens in the ledger."""

from __future__ import annotations

import os

from airflow.sdk.configuration import conf

VARIABLE = "RETAIL_SYNC_SECRET_KEY"


def token_key() -> str:
    """RETAIL_SYNC_SECRET_KEY, else Airflow's fernet key. All workers must see the same one."""
    return os.environ.get(VARIABLE) or str(conf.get("core", "fernet_key", fallback="") or "")
