"""The console over HTTP with a real ledger, for people of our choosing, and with a note of the runs it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from airflow.sdk import ObjectStoragePath
from fastapi import FastAPI
from starlette.requests import Request

from retail_sync.console.app import console_app
from retail_sync.console.ports import CannotStart, Person, Ports, Refused
from retail_sync.ledger.ledger import Ledger
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
            secret="a secret of the tests",
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
