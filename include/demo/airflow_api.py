"""A small typed client of Airflow's REST API (v2): what the demo and the live tests need."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

FINISHED_RUN = frozenset({"success", "failed"})
POLL_SECONDS = 1.0


class AirflowApiError(RuntimeError):
    """Airflow refused a request; the message carries its answer."""


@dataclass(frozen=True)
class DagRun:
    dag_id: str
    run_id: str
    state: str
    note: str | None


@dataclass(frozen=True)
class TaskInstance:
    """One try of one task; `map_index` is -1 unless the task is mapped. Times are ISO 8601 or None."""

    task_id: str
    map_index: int
    state: str | None
    try_number: int
    start_date: str | None
    end_date: str | None

    @property
    def label(self) -> str:
        return self.task_id if self.map_index < 0 else f"{self.task_id}[{self.map_index}]"


class AirflowApi:
    """Signs in with user and password; every method raises `AirflowApiError` on a refusal."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url.rstrip("/")
        # trust_env=False: the server is on this machine, a proxy of the environment can't reach it.
        self._http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        try:
            token = self._request("POST", "/auth/token", json={"username": user, "password": password})
        except BaseException:
            self._http.close()
            raise
        self._http.headers["Authorization"] = f"Bearer {token['access_token']}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # -- DAGs and runs

    def dag_ids(self) -> set[str]:
        return {row["dag_id"] for row in self._rows("/api/v2/dags", "dags")}

    def import_errors(self) -> dict[str, str]:
        """File name to traceback, for every DAG file that can't be loaded."""
        rows = self._rows("/api/v2/importErrors", "import_errors")
        return {row["filename"]: row["stack_trace"] for row in rows}

    def wait_for_dags(self, *wanted: str, timeout: float = 120.0) -> None:
        """Wait until the DAG processor has loaded these DAGs; a DAG file that fails to load ends the wait."""
        deadline = time.monotonic() + timeout
        while missing := set(wanted) - self.dag_ids():
            if errors := self.import_errors():
                first, trace = next(iter(errors.items()))
                raise AirflowApiError(f"the DAG file {first} can't be loaded:\n{trace}")
            if time.monotonic() > deadline:
                raise AirflowApiError(f"Airflow has not found the DAGs {sorted(missing)} in {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def unpause(self, dag_id: str) -> None:
        self._request("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": False})

    def pause(self, dag_id: str) -> None:
        self._request("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": True})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run now and return its id. A conf that doesn't fit the DAG's params is refused."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self._request("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def mark(self, dag_id: str, run_id: str, state: str) -> None:
        """Say how a run ended (`success` or `failed`), as the buttons on its page do; its tasks are stopped."""
        self._request("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{_quoted(run_id)}", json={"state": state})

    def dag_run(self, dag_id: str, run_id: str) -> DagRun:
        row = self._request("GET", f"/api/v2/dags/{dag_id}/dagRuns/{_quoted(run_id)}")
        return DagRun(dag_id, run_id, row["state"], row.get("note"))

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        rows = self._rows(f"/api/v2/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances", "task_instances")
        return [
            TaskInstance(
                row["task_id"],
                row["map_index"],
                row["state"],
                row["try_number"],
                row["start_date"],
                row["end_date"],
            )
            for row in rows
        ]

    def wait(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout: float = 900.0,
        on_change: Callable[[TaskInstance], None] | None = None,
    ) -> DagRun:
        """Wait until the run has succeeded or failed; `on_change` hears of every task that changes its state."""
        deadline = time.monotonic() + timeout
        seen: dict[tuple[str, int], tuple[str | None, int]] = {}
        while True:
            run = self.dag_run(dag_id, run_id)
            for task in self.task_instances(dag_id, run_id):
                key, now = (task.task_id, task.map_index), (task.state, task.try_number)
                if on_change is not None and seen.get(key) != now and task.state is not None:
                    on_change(task)
                seen[key] = now
            if run.state in FINISHED_RUN:
                return run
            if time.monotonic() > deadline:
                raise AirflowApiError(f"{dag_id} run {run_id} is still {run.state} after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1, key: str = "return_value"
    ) -> Any:
        """What the task returned (or pushed as `key`), decoded; None if it pushed nothing."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances/{task_id}/xcomEntries/{key}"
        answer = self._http.get(path, params={"map_index": map_index, "deserialize": True})
        return None if answer.status_code == httpx.codes.NOT_FOUND else _checked(answer)["value"]

    def task_log(
        self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1, try_number: int = 1
    ) -> list[str]:
        """The messages of one try, without their times and levels."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{_quoted(run_id)}/taskInstances/{task_id}/logs/{try_number}"
        content = self._request("GET", path, params={"map_index": map_index})["content"]
        return [line if isinstance(line, str) else str(line.get("event", "")) for line in content]

    # -- connections and pools

    def connection_ids(self) -> set[str]:
        return {row["connection_id"] for row in self._rows("/api/v2/connections", "connections")}

    def put_connection(self, body: Mapping[str, Any]) -> None:
        """Create the connection, or replace the one of that id. `extra` is a JSON string, as Airflow wants it."""
        if body["connection_id"] in self.connection_ids():
            self._request("PATCH", f"/api/v2/connections/{_quoted(body['connection_id'])}", json=dict(body))
        else:
            self._request("POST", "/api/v2/connections", json=dict(body))

    def test_connection(self, body: Mapping[str, Any]) -> tuple[bool, str]:
        """What the form's Test button does: whether it worked, and the sentence shown."""
        answer = self._request("POST", "/api/v2/connections/test", json=dict(body))
        return bool(answer["status"]), str(answer["message"])

    def pools(self) -> dict[str, int]:
        """Pool name to slots."""
        return {row["name"]: row["slots"] for row in self._rows("/api/v2/pools", "pools")}

    def put_pool(self, name: str, slots: int, description: str = "") -> None:
        """Create the pool, or set slots and description of the one of that name."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        if name in self.pools():
            self._request("PATCH", f"/api/v2/pools/{_quoted(name)}", json=body)
        else:
            self._request("POST", "/api/v2/pools", json=body)

    # -- plumbing

    def get(self, path: str, **params: Any) -> Any:
        """Any GET below `/api/v2`, for what has no method of its own here."""
        return self._request("GET", f"/api/v2{path}", params=params)

    def _request(self, method: str, path: str, **arguments: Any) -> Any:
        return _checked(self._http.request(method, path, **arguments))

    def _rows(self, path: str, key: str) -> list[dict[str, Any]]:
        """All rows of a list; Airflow serves at most 100 a page."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self._request("GET", path, params={"limit": 100, "offset": len(rows)})
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        where = f"{answer.request.method} {answer.request.url.path}"
        raise AirflowApiError(f"Airflow answered {answer.status_code} to {where}: {answer.text[:1000]}")
    return answer.json() if answer.content else None


def _quoted(part: str) -> str:
    """Run ids hold `:` and `+`."""
    return quote(part, safe="")
