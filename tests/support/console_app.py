"""The console over HTTP with a real ledger, for people of our choosing, and with a note of the runs it starts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from airflow.sdk import ObjectStoragePath
from fastapi import FastAPI
from starlette.requests import Request

from retail_sync.console.app import console_app
from retail_sync.console.ports import CannotStart, Person, Ports, Refused
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow, HoldDraft
from retail_sync.records.sealing import Seal
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine.staging import Staging
from sandbox.server import SandboxServer
from tests.support.runs import KEY

WHO = "who"
"""Cookie that says who is signed in, in place of Airflow's session."""
DAGS = frozenset(
    {"products", "prices", "inventory", "customers", "orders", "sales", "reconcile", "preflight"}
)
PEOPLE = {
    "admin": Person("admin", DAGS, DAGS),
    "viewer": Person("viewer", DAGS, frozenset()),
    "pricer": Person("pricer", frozenset({"prices"}), frozenset({"prices"})),
}
ROOT = "/retail-sync/console"
SECRET = "a secret of the tests"
AT = "manual__2026-11-27T15:20:50.288366+00:00"
ACCOUNT = {
    "read": 10, "recalled": 2, "unchanged": 7, "planned": 3, "held": 1, "ignored": 1, "changes": 3, "applied": 0,
    "already_there": 0, "failed": 0, "not_applied": 3, "unsettled": 0, "holds": 1, "add_up": True,
}  # fmt: skip
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


@dataclass
class House:
    """`started`: DAG, params and person of each run that was asked for. `refuses`: why no run can be started now."""

    ledger: Ledger
    settings: SyncSettings
    staging: Path
    url: str = ""
    started: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    refuses: str = ""
    app: FastAPI = field(default_factory=FastAPI)

    @property
    def ports(self) -> Ports:
        found: Ports = self.app.state.ports
        return found

    @ports.setter
    def ports(self, ports: Ports) -> None:
        self.app.state.ports = ports

    def start(self, dag_id: str, params: Mapping[str, Any], who: Person) -> str:
        if self.refuses:
            raise CannotStart(self.refuses)
        self.started.append((dag_id, dict(params), who.name))
        return f"manual__{len(self.started)}"

    def page(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        who: str = "admin",
        status: int = 200,
        **more: Any,
    ) -> str:
        """A page as somebody's browser gets it."""
        # An empty query would take away what the path has of one.
        with self.client(who) as client:
            answer = client.get(path, params={**(query or {}), **more} or None)
        assert answer.status_code == status, answer.text
        return answer.text

    def send(
        self,
        path: str,
        *,
        of: str = "",
        who: str | None = "admin",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        follow: bool = False,
        **form: Any,
    ) -> httpx.Response:
        """Send a form in somebody's name, by default with the token of the page `of` (that of the path)."""
        with self.client(who) as client:
            given = form_token(client.get(of or path).text) if token is None else token
            data = {"form_token": given, **form}
            return client.post(path, data=data, headers=headers, follow_redirects=follow)

    def said(self, answer: httpx.Response, who: str = "admin") -> str:
        """What the page says that an action leads to."""
        assert answer.status_code == 303, answer.text
        page = self.page(within(answer.headers["location"]), who=who)
        [found] = re.findall(r'<p class="said" role="status">(.*?)</p>', page)
        return unescape(found)

    def client(self, who: str | None = "admin") -> httpx.Client:
        """Somebody's browser, without scripts; `None`: nobody is signed in."""
        return httpx.Client(base_url=self.url, cookies={WHO: who} if who else {}, timeout=60, trust_env=False)


@contextmanager
def house_of(ledger: Ledger, settings: SyncSettings, staging: Path) -> Iterator[House]:
    """Serve the console for as long as the block runs."""
    made = House(ledger, settings, staging)

    async def person(request: Request) -> Person:
        if (name := request.cookies.get(WHO)) is None:
            raise Refused(401)
        if name not in PEOPLE:
            raise Refused(403)
        return PEOPLE[name]

    made.app = console_app(
        Ports(
            person=person,
            ledger=lambda: ledger,
            settings=lambda: made.settings,
            start=made.start,
            staging=lambda run_id: Staging(ObjectStoragePath(staging.as_uri()), run_id, ledger.checkpoints),
            secret=SECRET,
            seal=lambda: Seal(ledger.secret(KEY, "customers"), made.settings.customers.hash),
        )
    )
    app = FastAPI(docs_url=None)
    app.mount(ROOT, made.app)
    with SandboxServer(app) as server:
        made.url = f"{server.url}{ROOT}"
        yield made


def form_token(page: str) -> str:
    """The token in the first form of a page."""
    _, _, rest = page.partition('name="form_token" value="')
    return rest.partition('"')[0]


def words(page: str) -> str:
    """The text of a page or a part of it, without tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def within(address: str) -> str:
    """An address of the console as a path within it."""
    return unescape(address).removeprefix(ROOT)


def next_of(page: str) -> str:
    """The path of the next page; empty on the last one."""
    found = re.search(r'<a href="([^"]+)" rel="next"', page)
    return within(found[1]) if found else ""


# --- runs of the ledger ---


def change(number: int, run_id: str, **more: Any) -> ChangeRow:
    given: dict[str, Any] = {
        "run_id": run_id,
        "entity": run_id.split("/")[0],
        "kind": "variant",
        "subject": f"commercetools:{number}",
        "label": f"SKU-{number}",
        "system": "lightspeed",
        "action": "update",
        "unit": f"lightspeed:{number}",
        "target_id": f"t-{number}",
        "before": {"name": "Mug"},
        "after": {"name": f"Cup {number}"},
        "reasons": {"name": "commercetools owns the field"},
        "outcome": "not_applied",
    }
    return ChangeRow(**(given | more))


def add_run(
    house: House,
    entity: str = "products",
    airflow_run_id: str = AT,
    *,
    changes: list[ChangeRow] | None = None,
    holds: list[HoldDraft] | None = None,
    state: str | None = "succeeded",
    accounts: dict[str, Any] | None = None,
    error: str | None = None,
    remedy: str | None = None,
    dag_id: str = "",
    **params: Any,
) -> str:
    """A run as the pipeline leaves it: a dry run in full of which everything went well, unless told otherwise."""
    run_id = f"{dag_id}/{entity}/{airflow_run_id}" if dag_id else f"{entity}/{airflow_run_id}"
    house.ledger.runs.open(
        run_id,
        entity,
        purpose="reconcile" if dag_id == "reconcile" else "sync",
        dag_id=dag_id or entity,
        airflow_run_id=airflow_run_id,
        mode="full",
        params={"mode": "full", "dry_run": True, "direction": "both", "asked_by": "Kim", **params},
    )
    house.ledger.changes.store([replace(one, run_id=run_id) for one in changes or []])
    house.ledger.runs.settle(run_id, entity, cursors={}, holds=holds or [])
    window = {"commercetools": {"lower": None, "upper": "2026-11-27T15:19:00Z"}, "state": "a digest"}
    house.ledger.runs.set_windows(run_id, window)
    if state:
        counted = ACCOUNT if accounts is None else accounts
        house.ledger.runs.finish(run_id, state, counted, "In short.", error, remedy)  # type: ignore[arg-type]
    return run_id
