"""Whoever wakes late does not write: the lease is asked for right before the bytes of a request leave.

Everything but GET and HEAD writes, unless its caller said that it only reads. The lease must outlast the request's own
time-out, so that a request under way always ends before another worker can take over. It is asked for three times, at
no cost while it is fresh:

* before the request is handed to the network;
* when a connection stands and the first byte is about to be written: waiting for a connection may take its time;
* before the body, which leaves in a write of its own. A server carries out no request whose body it lacks, so a worker
  that stands still between the two has not written yet.
"""

from __future__ import annotations

import time
from typing import Any

import httpx

from retail_sync.records.errors import NotLeased
from retail_sync.records.leases import Lease, held

READS = "reads"
"""`request.extensions[READS]` marks a request that changes nothing, whatever its method."""
LEASE = "lease"
"""`request.extensions[LEASE]`: the lease this request needs, where it is not the one the caller works under."""
SAFE_METHODS = frozenset({"GET", "HEAD"})
_BYTES_LEAVE = ("send_request_headers.started", "send_request_body.started")
"""httpcore's events, of HTTP/1.1 and HTTP/2, before it writes the head and the body of a request."""


async def require_lease(request: httpx.Request, seconds: float) -> None:
    """Let the request through only under a lease that outlasts it (`seconds`: its time-out). Raises LeaseLost where
    another worker took over, and NotLeased for a write that was never begun."""
    lease = _lease_of(request)
    if lease is None:
        return
    ends = time.monotonic() + seconds
    await lease.require(seconds)

    async def before_bytes_leave(event: str, _info: Any) -> None:
        if event.endswith(_BYTES_LEAVE):
            await lease.require(max(0.0, ends - time.monotonic()))

    request.extensions["trace"] = before_bytes_leave


def _lease_of(request: httpx.Request) -> Lease | None:
    """The lease the request needs; None = it needs none."""
    if given := request.extensions.get(LEASE):
        lease: Lease = given
        return lease
    if request.method in SAFE_METHODS or request.extensions.get(READS):
        return None
    mine = held()
    where = f"{request.method} {request.url.path}"
    if mine is None:
        raise NotLeased(f"{where} writes, and was to be sent without a lease.")
    change = request.extensions.get("context", {}).get("change")
    if change is not None and not mine.has_begun(change):
        raise NotLeased(f"{where} writes change {change}, of which no attempt was begun.")
    return mine
