"""Scopes of an API client: what a grant allows, and whether it allows what an entity needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retail_sync.commercetools.api.client import CommercetoolsClient
from retail_sync.records.ports.preflight import PreflightReport


@dataclass(frozen=True)
class Grant:
    """Scopes that an API client was given, of one project."""

    scopes: frozenset[str]
    project: str

    @property
    def is_everything(self) -> bool:
        return f"manage_project:{self.project}" in self.scopes

    def covers(self, scope: str) -> bool:
        """Whether it allows what `scope` does: managing includes viewing."""
        wanted = {f"{scope}:{self.project}", f"{scope.replace('view_', 'manage_')}:{self.project}"}
        return self.is_everything or bool(wanted & self.scopes)

    def missing(self, needed: Iterable[str | tuple[str, ...]]) -> list[str]:
        """What is needed and not allowed. Of a group any scope will do; its first, the narrowest, is named."""
        groups = [(one,) if isinstance(one, str) else one for one in needed]
        return [group[0] for group in groups if not any(map(self.covers, group))]


async def read_grant(report: PreflightReport, client: CommercetoolsClient) -> Grant:
    """What the API client was given. Credentials that get no token end the look."""
    with report.faults_of("credentials", end=True):
        granted = await client.granted_scopes()
    return Grant(granted, client.connection.project_key)


def check_scopes(
    report: PreflightReport,
    grant: Grant,
    needed: Iterable[str | tuple[str, ...]],
    *,
    ok: str,
    missing_for: str = "",
    or_else: str = "",
) -> None:
    """Whether the grant allows what is needed. `ok`: what can be done with it; `missing_for`: what can't be done
    without; `or_else`: how to do without."""
    missing = grant.missing(needed)
    if not missing:
        report.ok("scopes", ok)
        return
    wanted = ", ".join(f"{scope}:{grant.project}" for scope in missing)
    report.error(
        "scopes",
        f"missing{f' for {missing_for}' if missing_for else ''}: {', '.join(missing)}",
        f"Give the API client {wanted} and put its new credentials into the connection; also check `scopes` there."
        + (f" {or_else}" if or_else else ""),
    )
