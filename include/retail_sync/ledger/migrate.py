"""Bring a database to the version of the tables this package needs, and refuse to work on another one."""

from __future__ import annotations

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from retail_sync.ledger.engine import SYSTEM, VARIABLE, connect, transaction
from retail_sync.ledger.failures import first_line
from retail_sync.ledger.limits import CARE
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable

VERSION_TABLE = "ledger_version"
_MIGRATIONS = Path(__file__).with_name("migrations")
_EARLIER = frozenset(f"{number:04}" for number in range(1, 10))
"""Versions of the tables before the first schema: nothing converts them."""


def upgrade(url: str) -> None:
    """Migrate the database at `url` to the newest version, in one transaction.

    Several workers may call this at once: one migrates, the others wait and find nothing to do. Raises
    ConfigurationFault where the URL is not PostgreSQL, the server does not let us in, or the database holds a ledger
    that this package can't migrate; SystemUnavailable where none answers.
    """
    engine = connect(url, CARE)
    try:
        _require_reachable(engine)
        with transaction(engine) as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('ledger migration', 0))"))
            configuration = _configuration()
            _require_known(version_of(connection), ScriptDirectory.from_config(configuration))
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
    finally:
        engine.dispose()


def newest() -> str:
    """The version of the tables that this package works with."""
    head = ScriptDirectory.from_config(_configuration()).get_current_head()
    assert head is not None
    return head


def version_of(connection: Connection) -> str | None:
    """The version a database is at; None = it holds no ledger."""
    return MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()


def require_current(engine: Engine) -> None:
    """Raise SystemUnavailable unless the database answers, and ConfigurationFault unless it lets us in and is at this
    package's version."""
    _require_reachable(engine)
    with transaction(engine) as connection:
        found = version_of(connection)
    scripts = ScriptDirectory.from_config(_configuration())
    _require_known(found, scripts)
    if found != (head := scripts.get_current_head()):
        state = "holds no ledger tables yet" if found is None else f"is at version {found}, not {head}"
        raise ConfigurationFault(
            f"The ledger's database {state}.",
            system=SYSTEM,
            remedy="Run `python -m retail_sync.ledger` once to migrate it.",
        )


def _require_known(found: str | None, scripts: ScriptDirectory) -> None:
    """Raise ConfigurationFault for a version that this package has no way from."""
    if found is None or any(one.revision == found for one in scripts.walk_revisions()):
        return
    if found in _EARLIER:
        raise ConfigurationFault(
            f"The ledger's database is at version {found}, from before the first release, and is not converted.",
            system=SYSTEM,
            remedy=f"Make an empty database, let {VARIABLE} name it, run `python -m retail_sync.ledger`, and align "
            "both systems anew (docs/first-alignment.md). The old database is not touched.",
        )
    raise ConfigurationFault(
        f"The ledger's database is at version {found}, which this package does not know.",
        system=SYSTEM,
        remedy="A newer package has migrated it: install that one here, too.",
    )


_REFUSALS = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "no password",
)
"""What a server says to those it will not let in, however often they ask. libpq gives no code for a connection that
failed; a server that speaks another language is taken for one that is not ready, and asked again."""


def _require_reachable(engine: Engine) -> None:
    try:
        with engine.connect():
            pass
    except (DBAPIError, psycopg.Error) as problem:
        said = first_line(getattr(problem, "orig", None) or problem)
    else:
        return
    kind = ConfigurationFault if any(one in said for one in _REFUSALS) else SystemUnavailable
    raise kind(
        f"No connection to the ledger at {engine.url.render_as_string(hide_password=True)}: {said}.",
        system=SYSTEM,
        remedy=f"Check {VARIABLE}, that the server runs, and that the database and its user exist.",
    )


def _configuration() -> Config:
    configuration = Config()
    # Alembic interpolates `%` in options; a folder may contain one.
    configuration.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration
