"""What `preflight` looks at, and its table."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol

from airflow.sdk import get_current_context

from retail_sync.ledger import migrate
from retail_sync.ledger.engine import VARIABLE as LEDGER_VARIABLE
from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.configured import OtherConfiguration, require_one_configuration
from retail_sync.pipeline.runtime.connectors import Access
from retail_sync.pipeline.runtime.context import STAGING_VARIABLE, staging_root
from retail_sync.pipeline.runtime.entities import ENTITIES
from retail_sync.pipeline.runtime.secrets import seal_of
from retail_sync.pipeline.tasks.entity import RUN_NOTE, gathered, problems_of
from retail_sync.pipeline.tasks.subscribe import configured
from retail_sync.records.errors import ConfigurationFault, SyncError, TransientError
from retail_sync.records.ports.connector import PointOfSale, Storefront, require
from retail_sync.records.ports.products import SYSTEMS, CheckResult, SystemName
from retail_sync.settings.loader import digest_of, load_settings, settings_path
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine import text_tables
from retail_sync.sync.engine.stores import store_of
from retail_sync.sync.prices.taxes import compare_taxes

Finding = dict[str, str]


class Checked(Protocol):
    """What can be looked at before a run."""

    async def check(self) -> Sequence[CheckResult]: ...


ORDER = ("error", "warning", "ok")


class PreflightFailed(SyncError):
    """Something a run needs is not in order."""

    default_remedy = "Do what the table in the log says, then run preflight again."


@gathered
def migrate_ledger() -> str:
    """Migrate the ledger; the version it is at now."""
    url = os.environ.get(LEDGER_VARIABLE)
    if not url:
        raise ConfigurationFault(
            f"{LEDGER_VARIABLE} is not set, so there is no ledger.",
            remedy=f"Set {LEDGER_VARIABLE} to the URL of a PostgreSQL database made for this purpose.",
        )
    migrate.upgrade(url)
    version = migrate.newest()
    telling.say(f"The ledger is at version {version}.")
    return version


@gathered
def check_house() -> list[Finding]:
    """Configuration, ledger, staging store and the key that seals what the ledger keeps secret."""
    findings = [
        _found("configuration", _configuration),
        _found("ledger", _ledger),
        _found("staging store", _staging),
        _found("sealing key", _sealing),
    ]
    return [asdict(finding) for finding in findings]


@gathered
def check_system(system: SystemName) -> list[Finding]:
    """What the adapter finds about its system. A fault of the connection is a finding, not an error of this task;
    transient errors are tried again."""
    try:
        settings = load_settings()
        with Ledger.open() as ledger:
            context = get_current_context()
            # The tasks of both systems may run on two workers.
            require_one_configuration(ledger, f"preflight/{context['dag_run'].run_id}", settings)
            task = f"preflight/{context['ti'].task_id}"
            access = Access.of(settings, ledger, system, run_id=None, task=task)

            async def look() -> list[CheckResult]:
                if system == "commercetools":
                    async with access.storefront() as storefront:
                        return await _checked(storefront, storefront.orders, settings)
                async with access.point_of_sale() as point_of_sale:
                    return await _checked(point_of_sale, point_of_sale.sales, settings)

            findings = asyncio.run(look())
    except TransientError:
        raise
    except OtherConfiguration as problem:
        findings = [CheckResult("error", "configuration", problem.message, problem.remedy)]
    except SyncError as problem:
        findings = [CheckResult("error", f"{system} connection", problem.message, problem.remedy)]
    telling.say(*_table(findings))
    return [asdict(finding) for finding in findings]


async def _checked(
    connector: Storefront | PointOfSale, documents: Checked | None, settings: SyncSettings
) -> list[CheckResult]:
    """What a system says of all that the configuration wants of it. Where it can't be reached, that says it all."""
    system = connector.system
    found = await require(connector.products, "products", system).check()
    if any(finding.level == "error" and finding.subject == "connection" for finding in found):
        return found
    exports = settings.orders.exported or settings.sales.target != "none"
    wanted: list[tuple[str, Checked | None, bool]] = [
        ("inventory", connector.inventory, True),
        ("prices", connector.prices, True),
        ("customers", connector.customers, settings.customers.synced),
        ("events", connector.events, configured(settings)),
        ("orders", documents, exports),
    ]
    for what, offered, is_wanted in wanted:
        if is_wanted:
            found = [*found, *await require(offered, what, system).check()]
    return found


@gathered
def check_taxes(systems: Sequence[Sequence[Finding] | None]) -> list[Finding]:
    """Whether both systems tax the same things the same way, where lists of prices depend on it. `systems`: what was
    found about each; where one has errors, nothing more can be said."""
    if any(found is None or any(one["level"] == "error" for one in found) for found in systems):
        return []
    try:
        settings = load_settings()
        if not settings.prices.synced:
            return []
        with Ledger.open() as ledger:
            task = f"preflight/{get_current_context()['ti'].task_id}"
            access = Access.of(settings, ledger, *SYSTEMS, run_id=None, task=task)

            async def look() -> list[CheckResult]:
                async with access.storefront() as storefront, access.point_of_sale() as point_of_sale:
                    online = require(storefront.prices, "prices", storefront.system)
                    till = require(point_of_sale.prices, "prices", point_of_sale.system)
                    await online.prepare()
                    await till.prepare()
                    return compare_taxes(
                        online.tax_lines(), till.tax_lines(), settings, datetime.now(UTC).date()
                    )

            findings = asyncio.run(look())
    except TransientError:
        raise
    except SyncError as problem:
        findings = [CheckResult("error", "taxes", problem.message, problem.remedy)]
    telling.say(*_table(findings))
    return [asdict(finding) for finding in findings]


def report(checks: Mapping[str, Sequence[Finding] | None], upstream: Sequence[str]) -> dict[str, Any]:
    """All findings as one table, errors first. Raises PreflightFailed where there is an error or a check is missing."""
    instance = get_current_context()["ti"]
    findings = [CheckResult(**finding) for found in checks.values() for finding in found or ()]  # type: ignore[arg-type]
    findings += [
        CheckResult("error", name, "This check did not come to an end.", "Look at the log of its task.")
        for name, found in checks.items()
        if found is None
    ]
    findings.sort(key=lambda finding: ORDER.index(finding.level))
    problems = problems_of(instance, upstream)
    telling.say(*_table(findings), *problems)
    counts = {level: sum(finding.level == level for finding in findings) for level in ORDER}
    verdict = ", ".join(f"{count} {level}" for level, count in counts.items())
    wrong = [f"{f.subject}: {f.finding} {f.remedy}".strip() for f in findings if f.level == "error"]
    instance.xcom_push(key=RUN_NOTE, value="\n".join([verdict, *wrong, *problems]))
    if wrong or problems:
        raise PreflightFailed(
            f"{max(counts['error'], len(problems))} things are not in order: {' '.join(wrong or problems)}"
        )
    return {"counts": counts, "findings": [asdict(finding) for finding in findings]}


def _table(findings: Sequence[CheckResult]) -> list[str]:
    rows = [[f.level.upper(), f.subject, f.finding, f.remedy] for f in findings]
    return text_tables.table(["", "what", "found", "what to do"], rows)


def _found(subject: str, look: Callable[[], str]) -> CheckResult:
    try:
        return CheckResult("ok", subject, look())
    except TransientError:
        raise
    except SyncError as problem:
        return CheckResult("error", subject, problem.message, problem.remedy)


def _configuration() -> str:
    settings: SyncSettings = load_settings()
    return f"{settings_path()} is valid (format {settings.version}, configuration {digest_of(settings)})."


def _ledger() -> str:
    with Ledger.open() as ledger:
        states = [f"{one.id}: {_aligned(ledger.baseline(one.id))}" for one in ENTITIES]
    return f"Version {migrate.newest()}; {'; '.join(states)}."


def _sealing() -> str:
    settings = load_settings()
    if not settings.customers.synced:
        return "Not needed: customers are not synced."
    with Ledger.open() as ledger:
        seal_of(ledger, settings)
    return "The secret that private fields are digested with can be opened."


def _aligned(baseline: datetime | None) -> str:
    return f"aligned since {baseline:%Y-%m-%d %H:%M} UTC" if baseline else "no first alignment yet"


def _staging() -> str:
    """Everything a run does with the store, below a name of its own."""
    store = store_of(staging_root())
    folder, content = f"preflight-{secrets.token_hex(4)}", b"written by preflight"
    store.write(f"{folder}/probe", content)
    read, listed = store.read(f"{folder}/probe"), folder in store.runs()
    store.remove(folder)
    if read != content:
        raise ConfigurationFault(
            f"{store.place} gives back other bytes than were written.", remedy="Use another store."
        )
    if not listed or store.has(folder):
        raise ConfigurationFault(
            f"{store.place} can be written and read, but what is written there "
            + ("can't be deleted." if listed else "is not listed."),
            remedy=f"Give the workers the rights to list and delete below {STAGING_VARIABLE}: housekeeping needs them.",
        )
    where = "an object store" if store.shared else "all workers must see this folder"
    return f"{store.place} can be written, read, listed and cleared ({where})."
