"""What Airflow's API server mounts costs it nothing while the ledger does not answer."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from retail_sync.ledger import Ledger
from retail_sync.pipeline.web import lazy_app as mounting
from retail_sync.pipeline.web.lazy_app import App, Lazy, Remembered, rooted
from retail_sync.records.errors import ConfigurationFault
from retail_sync.transport.derived import address_secret
from sandbox.server import SandboxServer

SECRET = address_secret("any", "pubsub/main")


@pytest.fixture
def silent_ledger() -> Iterator[str]:
    """The address of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listening:
        yield f"postgresql://nobody:x@127.0.0.1:{listening.getsockname()[1]}/nothing"


def asked(app: App, path: str = "/hooks") -> Any:
    """Ask `app`; what it answers, and the scope that a server logs from."""

    async def ask() -> tuple[list[Any], dict[str, Any]]:
        sent: list[Any] = []
        scope = {"type": "http", "path": path, "raw_path": path.encode()}

        async def receive() -> Any:
            raise AssertionError("nobody reads the body of what is not taken")

        async def send(message: Any) -> None:
            sent.append(message)

        await app(scope, receive, send)
        return sent, scope

    return ask()


async def opened_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})


def test_forty_strangers_and_a_silent_ledger_are_one_opening_and_later_ones_are_answered_at_once(
    silent_ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounting, "WAITING_SECONDS", 0.2)
    openings, gave_up = [], threading.Event()

    def open_app() -> App:
        openings.append(1)
        try:
            Ledger.open(f"{silent_ledger}?connect_timeout=2")
        finally:
            gave_up.set()
        return opened_app

    app = Lazy("receiver", open_app)

    async def crowd() -> None:
        answers = await asyncio.gather(*(asked(app) for _ in range(40)))
        assert {sent[0]["status"] for sent, _ in answers} == {503}
        assert (len(openings), threading.active_count() < 30) == (1, True)
        assert not gave_up.is_set(), "answered before the ledger was given up"

    asyncio.run(crowd())
    assert gave_up.wait(60)
    until = time.monotonic() + 60
    while app._failed.problem is None and time.monotonic() < until:
        time.sleep(0.01)
    asyncio.run(asked(app))
    assert len(openings) == 1, "the failure is believed for a while"


def test_after_a_failure_it_is_tried_again_and_nobody_waits_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounting, "FAILED_SECONDS", 0.0)
    go_on, problems = threading.Event(), [ConfigurationFault("no ledger")]

    def open_app() -> App:
        if problems:
            raise problems.pop()
        go_on.wait(60)
        return opened_app

    app = Lazy("console", open_app)
    assert asyncio.run(asked(app))[0][0]["status"] == 503
    assert asyncio.run(asked(app))[0][0]["status"] == 503, "it opens, and nobody waits"
    go_on.set()
    until = time.monotonic() + 60
    while asyncio.run(asked(app))[0][0]["status"] != 204 and time.monotonic() < until:
        time.sleep(0.01)
    assert asyncio.run(asked(app))[0][0]["status"] == 204


def test_a_first_request_waits_for_the_app_to_open() -> None:
    app = Lazy("console", lambda: opened_app)
    assert asyncio.run(asked(app))[0][0]["status"] == 204


def test_the_secret_of_an_address_reaches_no_access_log_while_the_receiver_cannot_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def open_app() -> App:
        raise ConfigurationFault("no ledger")

    for _ in range(2):
        sent, scope = asyncio.run(asked(Lazy("receiver", open_app), f"/hooks/pubsub/main/{SECRET}"))
        assert sent[0]["status"] == 503 and (b"connection", b"close") in sent[0]["headers"]
        assert scope["path"] == "/hooks/pubsub/main/***" and SECRET.encode() not in scope["raw_path"]
    assert SECRET not in caplog.text


def test_what_cannot_be_read_is_not_tried_again_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def read() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise ConfigurationFault("no file")
        return "settings"

    kept = Remembered(read)
    for _ in range(3):
        with pytest.raises(ConfigurationFault):
            kept()
    assert len(tries) == 1
    kept._failed.until = 0.0
    assert (kept(), kept(), len(tries)) == ("settings", "settings", 2)


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/airflow/retail-sync/hooks/x", "/airflow/retail-sync/hooks", "/airflow/retail-sync/hooks/x"),
        ("/retail-sync/hooks/x", "/airflow/retail-sync/hooks", "/airflow/retail-sync/hooks/x"),
        ("/retail-sync/hooks/x", "/a/b/retail-sync/hooks", "/a/b/retail-sync/hooks/x"),
        ("/retail-sync/hooks/x", "/retail-sync/hooks", "/retail-sync/hooks/x"),
        ("/x", "", "/x"),
        ("/elsewhere", "/airflow/retail-sync/hooks", "/elsewhere"),
    ],
)
def test_a_path_that_a_proxy_took_away_is_put_back(path: str, root: str, found: str) -> None:
    assert rooted(path, root) == found


@pytest.mark.parametrize("prefix", ["/airflow", ""], ids=["kept by the proxy", "taken away by the proxy"])
def test_apps_under_a_path_find_their_routes_whatever_the_proxy_does(prefix: str) -> None:
    """As Airflow mounts them: its app has the path of `base_url` as its root."""
    inner = Starlette(
        routes=[Route("/x/{rest}", lambda request: PlainTextResponse(request.scope["root_path"]))]
    )
    airflow = FastAPI(root_path="/airflow")
    airflow.mount("/retail-sync/console", Lazy("console", lambda: inner))
    with SandboxServer(airflow) as server:
        answer = httpx.get(f"{server.url}{prefix}/retail-sync/console/x/y", trust_env=False)
    assert (answer.status_code, answer.text) == (200, "/airflow/retail-sync/console")
