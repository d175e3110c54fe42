"""Rules of misbehaviour, decided from a seed, and the log of the requests they were asked about."""

from __future__ import annotations

import random
import re
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.lists import Past, spoiled

ADMIN_PREFIX = "/_admin"
CUT = "sandbox.cut"
"""Scope key under which `sandbox.server` puts the function that closes the connection at once."""

LOGGED_REQUESTS = 200_000
LOGGED_BODY_CHARS = 100_000

FaultKind = Literal[
    "status",  # this status without touching the app; the body is the rule's
    "429",  # too many requests, with Retry-After as seconds or as an HTTP date
    "timeout_before",  # nothing is executed; the connection is closed without an answer after `delay`
    "timeout_after",  # the request is executed; the answer is thrown away and the connection closed after `delay`
    "status_after",  # the request is executed; a gateway answers with this status (504) all the same
    "cut",  # the request is executed; half of the body is sent, then the connection is closed
    "truncate_json",  # the request is executed; the body ends half-way but the message looks complete
    "html",  # a web page instead of JSON, without touching the app; status 200 or what `status` says
    "slow",  # the normal answer, `delay` seconds later
    "drop_fields",  # the normal answer without the fields named in `fields`, at any depth
    "short_list",  # the normal list without a `share` of its rows
    "empty_list",  # the normal list without any row
    "twice_list",  # the normal list in which a `share` of the rows comes twice
    "stale_list",  # the normal list in which a `share` of the rows is as it was before, where that was listed
]
LISTS: tuple[FaultKind, ...] = ("short_list", "empty_list", "twice_list", "stale_list")


class FaultRule(BaseModel):
    """One rule: which requests it meets, how often, and what happens to them."""

    model_config = ConfigDict(extra="forbid")

    match: str = ""
    """Regular expression searched in the path; empty meets every path."""
    query: str | None = None
    """Regular expression searched in the raw query string."""
    body_match: str | None = None
    """Regular expression searched in the request body."""
    method: str | None = None
    kind: FaultKind
    times: int | None = 1
    """How often the rule strikes; null is always."""
    after: int = 0
    """How many matching requests pass untouched first."""
    probability: float = Field(default=1.0, ge=0, le=1)
    status: int | None = None
    headers: dict[str, str] = {}
    body: Any = None
    delay: float = 0.0
    retry_after: float = 1.0
    """Seconds to wait that a `429` (or a `status` with `retry_after_style` set) announces."""
    retry_after_style: Literal["seconds", "date", "none"] | None = None
    fields: list[str] = []
    share: float = Field(default=0.5, ge=0, le=1)
    """Of the rows of a list, how many are concerned."""


@dataclass
class LoggedRequest:
    """What a client sent, in the order of arrival, and what became of it."""

    n: int
    method: str
    path: str
    query: str
    status: int | None
    """Null: no status has left, because the answer is still due or the connection was closed."""
    fault: str | None
    at: str
    millis: float | None
    body: str
    headers: dict[str, str]


@dataclass
class _Placed:
    rule: FaultRule
    seen: int = 0
    hits: int = 0


class Faults:
    """The rules in force and the log of requests of one app. Safe to use from the test's thread while the app runs."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._placed: list[_Placed] = []
        self._log: deque[LoggedRequest] = deque(maxlen=LOGGED_REQUESTS)
        self._count = 0
        self._past = Past()

    def add(self, *rules: FaultRule | dict[str, Any]) -> None:
        """Puts rules in force behind those already there; of several that meet a request the first one strikes."""
        checked = [rule if isinstance(rule, FaultRule) else FaultRule.model_validate(rule) for rule in rules]
        with self._lock:
            self._placed.extend(_Placed(rule) for rule in checked)

    def clear(self) -> None:
        """Takes every rule out of force."""
        with self._lock:
            self._placed.clear()

    def counts(self) -> list[dict[str, Any]]:
        """The rules in force with `seen` (requests that matched) and `hits` (requests that were struck)."""
        with self._lock:
            return [{**p.rule.model_dump(mode="json"), "seen": p.seen, "hits": p.hits} for p in self._placed]

    @property
    def requests(self) -> list[LoggedRequest]:
        """Requests so far, oldest first."""
        with self._lock:
            return list(self._log)

    def clear_requests(self) -> None:
        """Forgets the requests logged so far and counts from one again."""
        with self._lock:
            self._log.clear()
            self._count = 0

    def strike(self, method: str, path: str, query: str, body: bytes) -> FaultRule | None:
        """The rule that meets this request, counted as used; none if the request may pass."""
        with self._lock:
            for placed in self._placed:
                rule = placed.rule
                if not _meets(rule, method, path, query, body):
                    continue
                placed.seen += 1
                if placed.seen <= rule.after or (rule.times is not None and placed.hits >= rule.times):
                    continue
                if rule.probability < 1.0 and self._random.random() >= rule.probability:
                    continue
                placed.hits += 1
                return rule
        return None

    def spoiled(self, rule: FaultRule, body: bytes) -> bytes:
        """An answered list as the rule wants it."""
        with self._lock:
            return spoiled(body, rule.kind, rule.share, self._random, self._past)

    def remember(self, body: bytes) -> None:
        """Keep the rows of an answered list, to be shown again as they are now by a `stale_list`."""
        with self._lock:
            spoiled(body, "short_list", 0.0, self._random, self._past)

    @property
    def shows_the_past(self) -> bool:
        """Whether a rule in force needs to know how rows looked before."""
        with self._lock:
            return any(placed.rule.kind == "stale_list" for placed in self._placed)

    def log(self, request: LoggedRequest) -> None:
        """Writes one request into the log and numbers it."""
        with self._lock:
            self._count += 1
            request.n = self._count
            self._log.append(request)


def _meets(rule: FaultRule, method: str, path: str, query: str, body: bytes) -> bool:
    if rule.method is not None and rule.method.upper() != method:
        return False
    if re.search(rule.match, path) is None:
        return False
    if rule.query is not None and re.search(rule.query, query) is None:
        return False
    return rule.body_match is None or re.search(rule.body_match, body.decode("utf-8", "replace")) is not None
