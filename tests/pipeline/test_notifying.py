"""Messages reach a chat webhook and a mailbox, and never fail a run."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from retail_sync.pipeline.runtime.notifications import send, tell_of_failure, tell_of_holds
from retail_sync.settings.models.schedules import Notify

INSTANCE = SimpleNamespace(
    dag_id="products",
    run_id="manual__1",
    task_id="audit",
    log_url="http://airflow/log",
    xcom_pull=lambda **_: None,
)


@pytest.fixture
def chat() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A chat webhook: its address, and the messages it got."""
    got: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(json.loads(body) | {"path": self.path})
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Mailbox:
    """A mail server that takes everything (the part of RFC 5321 that smtplib speaks)."""

    port: int = 0
    mails: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mailbox\r\n")
        while line := await reader.readline():
            command = line.decode().strip().upper()
            if command == "DATA":
                writer.write(b"354 go on\r\n")
                body = b""
                while (part := await reader.readline()) != b".\r\n":
                    body += part
                self.mails.append(body.decode())
            if command == "QUIT":
                break
            writer.write(b"250 ok\r\n")
        writer.close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(box.serve, "127.0.0.1", 0), loop).result()
    box.port = server.sockets[0].getsockname()[1]
    yield box
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def notify(
    chat: tuple[str, list[dict[str, str]]], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> Notify:
    """Both channels, configured."""
    monkeypatch.setenv("AIRFLOW_CONN_CHAT", json.dumps({"conn_type": "http", "host": chat[0]}))
    monkeypatch.setenv(
        "AIRFLOW_CONN_MAIL",
        json.dumps(
            {
                "conn_type": "smtp",
                "host": "127.0.0.1",
                "port": mailbox.port,
                "extra": {
                    "disable_ssl": True,
                    "disable_tls": True,
                    "from_email": "sync@example.org",
                    "retry_limit": 1,
                },
            }
        ),
    )
    return Notify(
        http_conn_id="chat",
        http_endpoint="/hook",
        smtp_conn_id="mail",
        mail_to=("shop@example.org",),
        holds_above=2,
    )


def test_a_message_reaches_chat_and_mailbox(
    notify: Notify, chat: tuple[str, list[dict[str, str]]], mailbox: Mailbox
) -> None:
    assert send(notify, "products: the run failed", "It <broke>.") == ["http", "smtp"]
    assert chat[1] == [{"text": "It <broke>.", "path": "/hook"}]
    [mail] = [message_from_string(text) for text in mailbox.mails]
    assert mail["Subject"] == "[retail-sync] products: the run failed"
    assert mail["To"] == "shop@example.org"
    [part] = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    assert b"It &lt;broke&gt;." in part.get_payload(decode=True)


def test_a_channel_that_fails_hinders_neither_the_other_nor_the_run(
    notify: Notify, chat: tuple[str, list[dict[str, str]]], mailbox: Mailbox
) -> None:
    broken = notify.model_copy(update={"http_endpoint": "/broken"})
    assert send(broken, "s", "t") == ["smtp"]
    missing = notify.model_copy(update={"http_conn_id": "no_such_connection", "smtp_conn_id": None})
    assert send(missing, "s", "t") == []


def test_nobody_configured_is_nobody_told() -> None:
    assert send(Notify(), "s", "t") == []


def test_holds_are_told_when_they_rise_above_the_threshold_and_not_every_hour(
    notify: Notify, chat: tuple[str, list[dict[str, str]]]
) -> None:
    for before, holds in (
        (0, {"price_missing": 2}),
        (0, {"price_missing": 2, "conflict": 1}),
        (3, {"conflict": 3}),
    ):
        tell_of_holds(notify, "products", before, holds, INSTANCE)
    [message] = chat[1]
    assert "3 records are held (2 price_missing, 1 conflict), more than 2" in message["text"]


def test_a_failure_names_run_reason_and_log(
    notify: Notify, chat: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    from retail_sync.settings.models import SyncSettings
    from tests.support.settings_files import dump_settings

    path = tmp_path / "sync.yaml"  # type: ignore[operator]
    dump_settings(SyncSettings(notify=notify), path)
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(path))
    tell_of_failure({"ti": INSTANCE, "exception": RuntimeError("The cursor stands still.")})
    [message] = chat[1]
    for part in ("manual__1", "The cursor stands still.", "http://airflow/log"):
        assert part in message["text"]


def test_a_configuration_that_cannot_be_read_does_not_break_the_callback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", "/nowhere/sync.yaml")
    tell_of_failure({"ti": INSTANCE, "exception": RuntimeError("x")})
