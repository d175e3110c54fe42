"""Random keys that the ledger makes once and keeps sealed."""

from __future__ import annotations

import secrets

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import Engine

from retail_sync.ledger.engine import SYSTEM, transaction
from retail_sync.ledger.statements import execute, fetch_value
from retail_sync.records.errors import ConfigurationFault

_BYTES = 32


def fernet_of(key: str, what: str) -> MultiFernet:
    """What seals with `key`: a Fernet key, or several with commas between them, newest first (the same form as
    Airflow's `fernet_key`): all open, the first seals. Raises ConfigurationFault where it is none."""
    try:
        return MultiFernet([Fernet(part.strip()) for part in key.split(",")])
    except ValueError:
        raise ConfigurationFault(
            f"The key that seals {what} is not a Fernet key.",
            system=SYSTEM,
            remedy="Set Airflow's [core] fernet_key (AIRFLOW__CORE__FERNET_KEY), or RETAIL_SYNC_SECRET_KEY.",
        ) from None


def kept_secret(engine: Engine, key: str, name: str) -> bytes:
    """The 32 random bytes kept under `name`, made at the first call; whoever comes first makes them for all.

    `key` as in `fernet_of`: it seals, and may be rotated. Raises ConfigurationFault where it is no Fernet
    key, or not the one that sealed: another secret would make everybody look changed."""
    fernet = fernet_of(key, "what must stay secret")
    sealed = fernet.encrypt(secrets.token_bytes(_BYTES)).decode()
    with transaction(engine) as connection:
        execute(
            connection,
            "INSERT INTO tokens (name, sealed) VALUES (:name, :sealed) ON CONFLICT (name) DO NOTHING",
            name=name,
            sealed=sealed,
        )
        kept = fetch_value(connection, "SELECT sealed FROM tokens WHERE name = :name", name=name)
    try:
        return bytes(fernet.decrypt(kept))
    except InvalidToken:
        raise ConfigurationFault(
            f"The secret {name!r} was sealed with another key.",
            system=SYSTEM,
            remedy="Give the old key too (new,old in AIRFLOW__CORE__FERNET_KEY). Without it nobody is recognised any "
            "more: then delete the row of the table `tokens`, erase the customers from the ledger (DAG `forget`) and "
            "align them anew.",
        ) from None
