"""Whether the token may read what a run reads: each read is tried as a run would make it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from retail_sync.lightspeed.x_series.api.client import Body, XSeriesClient
from retail_sync.lightspeed.x_series.api.errors import scope_of
from retail_sync.lightspeed.x_series.api.paging import SEARCH
from retail_sync.records.errors import ConfigurationFault, SyncError
from retail_sync.records.ports.preflight import CheckResult, PreflightReport
from retail_sync.transport.client import Value
from retail_sync.transport.withholding import Withhold

NOBODY = "00000000-0000-4000-8000-000000000000"
"""An id that nobody has: a search is tried without finding anything."""
Query = Mapping[str, Value | Sequence[Value]]
ONE: Query = {"page_size": 1}


@dataclass(frozen=True)
class Read:
    """One read of a list. `body`: of a list that is asked for with a POST. `withhold`: as `XSeriesClient.get`."""

    path: str
    query: Query = field(default_factory=lambda: ONE)
    body: Mapping[str, int] | None = None
    withhold: Withhold = False

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    @property
    def scope(self) -> str:
        if self.path == SEARCH:
            return f"{self.query['type']}:read"
        return scope_of(self.method, self.path)

    async def ask(self, client: XSeriesClient) -> Body:
        if self.body is not None:
            return await client.ask(self.path, self.body)
        return await client.get(self.path, self.query, withhold=self.withhold)


def search(kind: str, withhold: Withhold = False) -> Read:
    """A search for nobody."""
    return Read(SEARCH, {"type": kind, "_id": NOBODY, **ONE}, withhold=withhold)


async def check_reads(
    report: PreflightReport, client: XSeriesClient, reads: Iterable[Read], *, connection: str | None = None
) -> int | None:
    """Try every read; where one is refused the look ends. Returns the request limit, where the store tells it.

    `connection`: what is at fault where an answer shows that this is not the store that is meant, or not the way to it;
    then no other read is tried.
    """
    limit: int | None = None
    for read in reads:
        try:
            limit = (await read.ask(client)).rate_limit or limit
        except SyncError as fault:
            if fault.status == 403:
                report.results.append(CheckResult.of_fault(f"scope {read.scope}", fault))
            elif connection is not None and isinstance(fault, ConfigurationFault):
                report.results.append(CheckResult.of_fault(connection, fault))
                break
            else:
                report.results.append(CheckResult.of_fault(f"{read.method} {read.path}", fault))
    if report.has_errors:
        report.end()
    return limit
