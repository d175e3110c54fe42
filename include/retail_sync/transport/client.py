"""`HttpClient`: requests to one system, with exactly the retries that can do no harm.

What is repeated here, and what is not:

* A *safe* request (GET, HEAD, or declared so by the caller) is repeated after anything that may pass: no connection,
  a time-out, a cut or unreadable answer, 429, 5xx.
* An unsafe request is repeated only where nothing was executed: it never left, 429, or a 503 of which the adapter's
  `classify` says so. Everything else without a trustworthy answer is `UnknownOutcome`: the caller looks first.
* A request that writes is sent only under a lease (see `leasing`); who lost it does not try again.
* Waits longer than `longest_wait` are not sat out here: `RateLimited` tells Airflow to come back later.
"""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.request import getproxies, proxy_bypass

import httpx
import tenacity

from retail_sync.records.errors import (
    LeaseLost,
    ProtocolFault,
    RecordRejected,
    SyncError,
    TransientError,
    UnknownOutcome,
)
from retail_sync.transport.answer import Answer, answer_of
from retail_sync.transport.bodies import encode
from retail_sync.transport.bounds import MOST_BYTES
from retail_sync.transport.budget import AdaptiveConcurrency
from retail_sync.transport.faces import Budget, ExchangeSink
from retail_sync.transport.faults import Classify, UnreadableAnswer, fault_of_answer, fault_of_exception
from retail_sync.transport.hosts import is_loopback
from retail_sync.transport.leasing import READS, SAFE_METHODS
from retail_sync.transport.redaction import Redactor
from retail_sync.transport.unpacking import ACCEPTED
from retail_sync.transport.wire import WITHHOLD, Counts, ObservedTransport, rate_limit_headers
from retail_sync.transport.withholding import Withhold

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
IDLE_SECONDS = 4.0
"""Idle connections are given up before common load balancers do (5 s and more): a write on a connection the server is
just closing would be an unknown outcome."""


class _WithoutQuery(logging.Filter):
    """httpx writes every address it asks for into the log, at level INFO: look-ups name people in their query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                one.copy_with(query=None) if isinstance(one, httpx.URL) else one for one in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_WithoutQuery())

Value = str | int | float | bool | None
Params = Mapping[str, Value | Sequence[Value]] | list[tuple[str, Value]]


class HttpClient:
    """One client a task: `async with HttpClient(...) as client: answer = await client.request("GET", "/products")`.

    * `base_url`: checked by `hosts.check_base_url`; paths are appended to it. A full address is accepted where it
      stays on the same origin (paging links).
    * `classify`: turns an answer with status 400 or more into the error it means for this system, or None for the
      plain reading of the status. For an unsafe request (`answer.safe` is False) a returned `SystemUnavailable` or
      `RateLimited` on a 503 says that nothing was executed.
    * `timeout`: seconds for one whole request with its answer. `retries`: repeats after the first attempt.
    * `most_bytes`: of an answer, unpacked. `body_cap`: bytes kept of each body in exchanges. `secrets`: values that
      must never be shown. `redact_fields`: dotted names of private wire fields.
    * `longest_wait`: longest `Retry-After`, in seconds, that is sat out here.
    * `concurrency`: limits requests under way at once, and learns from their answers.
    * `counts`: reads the system's rate limit out of answer headers.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        auth: httpx.Auth | None,
        sink: ExchangeSink,
        budget: Budget,
        classify: Classify,
        timeout: float,
        retries: int,
        body_cap: int,
        most_bytes: int = MOST_BYTES,
        headers: Mapping[str, str] | None = None,
        secrets: Iterable[str] = (),
        redact_fields: Iterable[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        concurrency: AdaptiveConcurrency | None = None,
        longest_wait: float = 60.0,
        counts: Counts = rate_limit_headers,
        backoff: float = FIRST_BACKOFF_SECONDS,
    ) -> None:
        self.system = system
        self._base = httpx.URL(base_url)
        self._classify = classify
        self._longest_wait = longest_wait
        self._retries = retries
        self._backoff = tenacity.wait_random_exponential(multiplier=backoff, max=LONGEST_BACKOFF_SECONDS)
        self.redactor = Redactor(secrets, redact_fields, body_cap)
        observed = ObservedTransport(
            transport or _network(self._base),
            system=system,
            sink=sink,
            budget=budget,
            concurrency=concurrency,
            redactor=self.redactor,
            timeout=timeout,
            most_bytes=most_bytes,
            counts=counts,
        )
        self._client = httpx.AsyncClient(
            auth=auth,
            headers={"Accept": "application/json", "Accept-Encoding": ACCEPTED, **(headers or {})},
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            transport=observed,
            trust_env=False,  # no .netrc: it would replace our authentication
            follow_redirects=False,  # a redirect would carry a secret to a host nobody checked
        )

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        files: Any = None,
        safe: bool | None = None,
        reads: bool = False,
        context: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        allow: Collection[int] = (),
        expect_json: bool = True,
        withhold: Withhold = False,
    ) -> Answer:
        """Send one request and return its answer (2xx, or a status in `allow`).

        `json` may hold Decimals; they are sent with exactly their digits. `safe`: may be repeated without harm
        (default: GET and HEAD). `reads`: changes nothing although it is neither GET nor HEAD, so it needs no lease.
        `context` is kept with the exchange (run, change). `expect_json=False` accepts any
        body. `withhold`: its bodies hold personal data, so nothing of them is kept with the exchange or told in an
        error; `"shape"` keeps their members without values, and does the same to the query. Raises the errors of
        `retail_sync.records.errors`, each with the id of its exchange.
        """
        method = method.upper()
        may_repeat = method in SAFE_METHODS if safe is None else safe
        url = self._url(path)
        content, content_headers = None, {}
        if json is not None:
            content, content_headers = self._encoded(json), {"Content-Type": "application/json"}

        async def attempt(number: int) -> Answer:
            try:
                request = self._client.build_request(
                    method,
                    url,
                    params=params,
                    content=content,
                    data=data,
                    files=files,
                    headers={**content_headers, **(headers or {})},
                )
            except (ValueError, TypeError, httpx.InvalidURL) as problem:
                raise self._unaddressable(type(problem).__name__) from None
            request.extensions.update(
                {"attempt": number, "context": dict(context or {}), WITHHOLD: withhold, READS: reads}
            )
            return await self._send(request, safe=may_repeat, allow=allow, expect_json=expect_json)

        attempts = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(self._retries + 1),
            retry=tenacity.retry_if_exception(self._is_worth_repeating),
            wait=self._wait,
            before_sleep=self._tell,
            reraise=True,
        )
        async for turn in attempts:
            with turn:
                return await attempt(turn.retry_state.attempt_number)
        raise AssertionError("tenacity either returns or raises")

    async def _send(
        self, request: httpx.Request, *, safe: bool, allow: Collection[int], expect_json: bool
    ) -> Answer:
        try:
            response = await self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as problem:
            fault = fault_of_exception(
                problem, request, system=self.system, safe=safe, redactor=self.redactor
            )
            # The original is not chained: its text may hold a header or an address with a secret.
            raise fault from None
        answer = answer_of(
            response,
            system=self.system,
            method=request.method,
            path=self._shown(request),
            safe=safe,
            withheld=bool(request.extensions.get(WITHHOLD)),
        )
        if answer.status in allow:
            return answer
        fault_or_none = fault_of_answer(answer, self._classify, expect_json=expect_json)
        if fault_or_none is not None:
            raise fault_or_none
        return answer

    def _url(self, path: str) -> httpx.URL:
        """The address of `path`, which may not lead away from the base address."""
        try:
            if path.startswith(("http://", "https://")):
                url = httpx.URL(path)
                if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
                    raise ProtocolFault(
                        f"A link leads to another host ({url.host}); nothing was sent there.",
                        system=self.system,
                    )
                return url
            # An empty path is the base address itself.
            if path and (
                not path.startswith("/") or path.startswith("//") or {".", ".."} & set(path.split("/"))
            ):
                raise httpx.InvalidURL("not a plain absolute path")
            base_path, _, _ = self._base.raw_path.decode().partition("?")
            return self._base.copy_with(raw_path=(base_path.rstrip("/") + str(httpx.URL(path))).encode())
        except (httpx.InvalidURL, ValueError) as problem:
            raise self._unaddressable(type(problem).__name__) from None

    def _unaddressable(self, why: str) -> RecordRejected:
        """Quotes nothing: what is wrong with an address is often a name or an e-mail address in it."""
        return RecordRejected(
            f"An address can't be asked for ({why}).",
            code="unaddressable",
            system=self.system,
            remedy="An identifier in it holds characters that no address can carry; correct it at its source.",
        )

    def _encoded(self, json: Any) -> bytes:
        try:
            return encode(json)
        except (TypeError, ValueError, RecursionError) as problem:
            raise RecordRejected(
                f"The record can't be sent: {problem}.",
                code="unsendable",
                system=self.system,
                remedy="Correct the value at its source: it can't be written as JSON.",
            ) from None

    def _shown(self, request: httpx.Request) -> str:
        return self.redactor.url(request.url.path)

    def _is_worth_repeating(self, problem: BaseException) -> bool:
        if isinstance(problem, UnknownOutcome | LeaseLost):
            return False
        if isinstance(problem, TransientError):
            return (problem.retry_after or 0.0) <= self._longest_wait
        return isinstance(problem, UnreadableAnswer)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Full-jitter backoff. An order of the system counts instead, spread a little so that not all come back
        at the same moment."""
        problem = state.outcome.exception() if state.outcome else None
        ordered = problem.retry_after if isinstance(problem, TransientError) else None
        if ordered is None:
            return float(self._backoff(state))
        return ordered + random.uniform(0.0, min(1.0, 0.1 * ordered))  # noqa: S311 (spreads load, hides nothing)

    def _tell(self, state: tenacity.RetryCallState) -> None:
        problem = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0.0
        message = problem.message if isinstance(problem, SyncError) else type(problem).__name__
        log.warning(
            "%s: %s Attempt %d of %d in %.1f s.",
            self.system,
            message,
            state.attempt_number + 1,
            self._retries + 1,
            pause,
        )


def _network(base: httpx.URL) -> httpx.AsyncBaseTransport:
    """The real network; through the proxy of the environment, except to this machine."""
    direct = is_loopback(base.host) or proxy_bypass(base.host)
    proxy = None if direct else getproxies().get(base.scheme)
    limits = httpx.Limits(keepalive_expiry=IDLE_SECONDS)
    return httpx.AsyncHTTPTransport(verify=_trusted(), proxy=proxy, limits=limits)


@cache
def _trusted() -> ssl.SSLContext:
    """Whom to trust, read once per process: a step opens several clients, and the list of authorities is long."""
    return httpx.create_ssl_context()
