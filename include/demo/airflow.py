"""Airflow's four processes on this machine: started, watched until healthy, and stopped again, exactly those."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from demo.airflow_api import AirflowApi
from demo.airflow_env import PARALLELISM, AirflowSecrets, airflow_environment
from demo.processes import LOOPBACK, Child, Running, free_port, spawn

Say = Callable[[str], None]

# The log servers are left out: everything runs on one machine, where the UI reads the log files themselves.
COMPONENTS: Mapping[str, Sequence[str]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_HEALTH_KEYS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
HEALTHY_SECONDS = 300.0
# Only the scheduler has something to finish (running tasks). Seen in 3.3.2: api-server and triggerer are done within a
# second of SIGTERM, yet stay for 6 and 11 more.
STOP_SECONDS = {"dag-processor": 2.0, "api-server": 2.0, "triggerer": 2.0, "scheduler": 10.0}


class AirflowError(RuntimeError):
    """A local Airflow could not be prepared or started; the message carries the end of the log that says why."""


def say_nothing(_: str) -> None:
    """The progress reporter of callers that want none."""


class LocalAirflow(Running):
    """One Airflow with LocalExecutor on PostgreSQL, in `home`; a context manager that leaves nothing running.

    `database_url` is a SQLAlchemy URL with psycopg2. `extra_env` carries connections and the project's variables.
    `path`: what all pages are under (`/airflow`); empty = at the top.
    Enter it from the main thread (see `processes.spawn`).
    """

    def __init__(
        self,
        *,
        project: Path,
        home: Path,
        database_url: str,
        dags_folder: Path | None = None,
        extra_env: Mapping[str, str] | None = None,
        passwords: Mapping[str, str] | None = None,
        parallelism: int = PARALLELISM,
        path: str = "",
        say: Say = say_nothing,
    ) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}{path}"
        self._project = project
        self._say = say
        self._children: list[Child] = []
        self._keys = AirflowSecrets.of_home(home, passwords)
        self.environment = airflow_environment(
            project=project,
            home=home,
            database_url=database_url,
            port=self.port,
            keys=self._keys,
            dags_folder=dags_folder,
            parallelism=parallelism,
            path=path,
            extra=extra_env,
        )

    @property
    def passwords(self) -> Mapping[str, str]:
        """User name to password: `admin` may do everything, `viewer` may look."""
        return self._keys.passwords

    @property
    def log_folder(self) -> Path:
        """The processes' own logs (`scheduler.log`, ...); task logs are in `home/logs`."""
        return self.home / "process-logs"

    def pids(self) -> dict[str, int]:
        return {child.name: child.pid for child in self._children}

    def api(self, user: str = "admin") -> AirflowApi:
        """A signed-in REST client; close it, or use it as a context manager."""
        return AirflowApi(self.url, user, self.passwords[user])

    def start(self) -> Self:
        """Migrate the database, start the four processes and wait until all are healthy."""
        shutil.rmtree(self.log_folder, ignore_errors=True)
        try:
            self._say("preparing Airflow's database")
            self.command("db", "migrate")
            self._say("starting Airflow: " + ", ".join(COMPONENTS))
            for name in COMPONENTS:
                self.start_component(name)
            self._wait_until_healthy()
            self._warm_up()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop what `start` started: all are asked at once, then each gets its time. Safe to call twice."""
        for child in self._children:
            child.ask_to_stop()
        asked = time.monotonic()
        for child in sorted(self._children, key=lambda child: STOP_SECONDS[child.name]):
            child.wait_or_kill(max(0.0, asked + STOP_SECONDS[child.name] - time.monotonic()))
        self._children.clear()

    def command(self, *arguments: str) -> str:
        """Run one `airflow` command in this Airflow's environment and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment,
            cwd=self._project,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip().splitlines()[-25:]
            raise AirflowError(
                f"`airflow {' '.join(arguments)}` failed ({done.returncode}):\n" + "\n".join(said)
            )
        return done.stdout

    def start_component(self, name: str) -> None:
        """Start one process; `start` does it for all of them."""
        self._children.append(
            spawn(
                name,
                [sys.executable, "-m", "airflow", *COMPONENTS[name]],
                log=self.log_folder / f"{name}.log",
                env=self.environment,
                cwd=self._project,
            )
        )

    def kill_component(self, name: str) -> None:
        """Kill one process and what it started, without warning, as the end of its container would; for tests of what
        survives. A scheduler alone can't be killed: the executor's idle processes would keep its connection to the
        database, and with it the locks of a transaction that nobody ends."""
        killed = next(child for child in self._children if child.name == name)
        killed.crash()
        killed.wait_or_kill(0.0)
        self._children.remove(killed)

    def _wait_until_healthy(self) -> None:
        began = time.monotonic()
        told: frozenset[str] = frozenset()
        while True:
            self._fail_if_one_ended()
            healthy = self._healthy_parts()
            if healthy >= set(_HEALTH_KEYS):
                self._say(f"Airflow is healthy after {time.monotonic() - began:.0f} s: {self.url}")
                return
            if healthy - told:
                self._say("healthy so far: " + ", ".join(sorted(healthy)))
                told = healthy
            if time.monotonic() - began > HEALTHY_SECONDS:
                missing = ", ".join(sorted(set(_HEALTH_KEYS) - healthy))
                raise AirflowError(
                    f"Airflow is not healthy after {HEALTHY_SECONDS:.0f} s, missing: {missing}; "
                    f"see {self.log_folder}"
                )
            time.sleep(0.25)

    def ended_components(self) -> list[str]:
        """Names of started processes that are gone; empty while all is well."""
        return [child.name for child in self._children if not child.alive()]

    def _fail_if_one_ended(self) -> None:
        for child in self._children:
            if not child.alive():
                raise AirflowError(
                    f"Airflow's {child.name} ended by itself; its log ends:\n{child.log_tail()}"
                )

    def _healthy_parts(self) -> frozenset[str]:
        try:
            answer = httpx.get(f"{self.url}/api/v2/monitor/health", timeout=10, trust_env=False)
            parts = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return frozenset()
        return frozenset(key for key in _HEALTH_KEYS if (parts.get(key) or {}).get("status") == "healthy")

    def _warm_up(self) -> None:
        """The execution API is built at its first call; without this the first task waits 4-5 seconds for it."""
        httpx.get(f"{self.url}/execution/health", timeout=60, trust_env=False)
