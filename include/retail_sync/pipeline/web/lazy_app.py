"""Apps that Airflow's API server mounts, opened when they are first asked for something.

The plugin is loaded by every process of Airflow, its apps serve in one kind of them only: so nothing is imported or
opened before.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

KEPT_SECONDS = 30.0
"""How long settings and secrets are believed before they are read again."""
FAILED_SECONDS = 5.0
"""How long a failure to open or to read is believed before it is tried again."""
WAITING_SECONDS = 4.0
"""How long a request of a program waits for an app to open, which takes a second or two of importing: Lightspeed waits
five."""
PATIENT_SECONDS = 15.0
"""How long a person's browser waits for it, on a machine with much else to do."""
Scope = MutableMapping[str, Any]
Receive = Callable[..., Awaitable[Any]]
Send = Callable[..., Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass
class Failed:
    """A failure that is believed for a while: whatever asks meanwhile gets it at once, and nothing is tried."""

    problem: Exception | None = None
    until: float = 0.0

    def remember(self, problem: Exception) -> None:
        self.problem, self.until = problem, time.monotonic() + FAILED_SECONDS

    def again(self) -> None:
        """Raise the failure, as long as it is believed."""
        if self.problem is not None and time.monotonic() < self.until:
            raise self.problem.with_traceback(None)


@dataclass
class Lazy:
    """An ASGI app that becomes what `open_app` gives when it is first asked for something. What fails to open is told
    in the log, answered 503 (which senders of events take as a reason to come again), and tried again.

    One thread opens, however many ask, and none of those that wait holds another: a ledger that does not answer costs
    the API server nothing it needs for its own pages."""

    name: str
    open_app: Callable[[], App]
    patience: float = WAITING_SECONDS
    """How long a request waits at most for the first opening (seconds)."""
    told: str = ""
    """What whoever gets 503 reads; plain text."""
    _opening: Future[App] | None = None
    _failed: Failed = field(default_factory=Failed)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        scope["path"] = rooted(scope["path"], scope.get("root_path", ""))
        try:
            app = await self._opened()
        except Exception:
            await _not_now(scope, receive, send, self.told)
            return
        await app(scope, receive, send)

    async def _opened(self) -> App:
        """Raises what opening raised, or TimeoutError where it takes longer than anybody waits; after a failure nobody
        waits for the next try."""
        opening = self._begun()
        if opening.done():
            return opening.result()
        # Shielded: who goes away, or waits no longer, does not end what others wait for.
        waiting = asyncio.shield(asyncio.wrap_future(opening))
        return await asyncio.wait_for(waiting, self.patience if self._failed.problem is None else 0)

    def _begun(self) -> Future[App]:
        with self._lock:
            self._failed.again()
            if self._opening is None:
                self._opening = Future()
                threading.Thread(
                    target=self._open, args=(self._opening,), name=f"opening the {self.name}", daemon=True
                ).start()
            return self._opening

    def _open(self, opening: Future[App]) -> None:
        try:
            opening.set_result(self.open_app())
        except Exception as problem:
            log.error(
                "The %s can't start: %s. What to do: run the DAG `preflight`.", self.name, said(problem)
            )
            with self._lock:
                self._failed.remember(problem)
                self._opening = None
            opening.set_exception(problem)


def rooted(path: str, root: str) -> str:
    """`path` below `root`, also where a proxy took away the path that all of Airflow is under: `/airflow` of
    `/airflow/retail-sync/hooks`. A mounted app would not find its own routes."""
    if path.startswith(root):
        return path
    parts = root.split("/")
    for start in range(2, len(parts)):
        if path.startswith("/" + "/".join(parts[start:])):
            return "/".join(parts[:start]) + path
    return path


async def _not_now(scope: Scope, receive: Receive, send: Send, told: str) -> None:
    """503, without a look at the body; and what the server logs of the address holds no secret."""
    from starlette.responses import PlainTextResponse

    from retail_sync.transport.derived import without_secrets

    scope["path"] = without_secrets(scope["path"])
    scope["raw_path"] = scope["path"].encode(errors="replace")
    headers = {"Retry-After": "30", "Connection": "close", "Cache-Control": "no-store"}
    await PlainTextResponse(told, 503, headers)(scope, receive, send)


@dataclass
class Remembered:
    """A value that is read again when it has got old. What can't be read is an error, not an old value."""

    read: Callable[[], Any]
    seconds: float = KEPT_SECONDS
    _value: Any = None
    _until: float = 0.0
    _failed: Failed = field(default_factory=Failed)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self) -> Any:
        with self._lock:
            if time.monotonic() >= self._until:
                self._failed.again()
                try:
                    self._value = self.read()
                except Exception as problem:
                    self._failed.remember(problem)
                    raise
                self._until = time.monotonic() + self.seconds
            return self._value


def said(problem: Exception) -> str:
    """What a log may say of a problem: the text of an error nobody here wrote may hold anything."""
    from retail_sync.records.errors import SyncError

    return str(problem) if isinstance(problem, SyncError) else type(problem).__name__
