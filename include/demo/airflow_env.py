"""The environment of a local Airflow: one folder, one database, loopback addresses, settings that were measured."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.processes import LOOPBACK

ROLES = {"admin": "admin", "viewer": "viewer"}
PARALLELISM = 8


@dataclass(frozen=True)
class AirflowSecrets:
    """What a local Airflow signs and encrypts with, and its users' passwords; kept in its home folder."""

    jwt_secret: str
    api_secret: str
    fernet_key: str
    passwords: Mapping[str, str]

    @classmethod
    def of_home(cls, home: Path, passwords: Mapping[str, str] | None = None) -> AirflowSecrets:
        """Those kept in `home`, or new ones. Given `passwords` win over kept ones; the rest is generated."""
        path = home / "secrets.json"
        kept = json.loads(path.read_text()) if path.is_file() else {}
        known = {**kept.get("passwords", {}), **(passwords or {})}
        made = cls(
            jwt_secret=kept.get("jwt_secret") or secrets.token_hex(32),
            api_secret=kept.get("api_secret") or secrets.token_hex(16),
            fernet_key=kept.get("fernet_key") or base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            passwords={user: known.get(user) or secrets.token_urlsafe(9) for user in ROLES},
        )
        _write_private(path, json.dumps(made.__dict__))
        _write_private(home / "passwords.json", json.dumps(made.passwords))
        return made


def airflow_environment(
    *,
    project: Path,
    home: Path,
    database_url: str,
    port: int,
    keys: AirflowSecrets,
    dags_folder: Path | None = None,
    parallelism: int = PARALLELISM,
    path: str = "",
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The full environment for every Airflow process of this home: the caller's, without any Airflow of theirs.

    `path`: what its pages are under. `extra` (connections, the project's own variables) wins over everything here.
    """
    address = f"http://{LOOPBACK}:{port}{path}"
    own = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(parallelism),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder or project / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{user}:{role}" for user, role in ROLES.items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        # The default asks the DNS for the machine's full name, which takes seconds where there is none.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url,
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__API__HOST": LOOPBACK,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY": keys.api_secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt_secret,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        # Airflow 3.3.2: the supervisor of a task can miss its end and then sleeps this long (default 5 s).
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        # The default hides a new DAG file for five minutes.
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "PYTHONPATH": os.pathsep.join([str(project), str(project / "include")]),
        "PYTHONUNBUFFERED": "1",
    }
    return {**_without_foreign_airflow(os.environ), **own, **(extra or {})}


def _without_foreign_airflow(environment: Mapping[str, str]) -> dict[str, str]:
    """Drop another Airflow's settings, and keep loopback traffic away from a proxy."""
    kept = {
        name: value for name, value in environment.items() if not name.startswith(("AIRFLOW_", "PYTHONHOME"))
    }
    direct = ",".join(filter(None, [kept.get("no_proxy") or kept.get("NO_PROXY"), LOOPBACK, "localhost"]))
    return {**kept, "NO_PROXY": direct, "no_proxy": direct}


def _write_private(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(content)
