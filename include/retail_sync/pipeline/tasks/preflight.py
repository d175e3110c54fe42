"""What `preflight` looks at, and its table."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
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
from retail_sync.pipeline.runtime.extras import missing_extras
from retail_sync.pipeline.runtime.notifications import RUN_NOTE
from retail_sync.pipeline.runtime.secrets import seal_of
from retail_sync.pipeline.tasks.entity import gathered, problems_of
from retail_sync.pipeline.tasks.subscribe import configured
from retail_sync.records.errors import ConfigurationFault, SyncError, TransientError
from retail_sync.records.ports.connector import Connector, require
from retail_sync.records.ports.preflight import LEVELS, CheckResult, PreflightReport
from retail_sync.records.ports.products import SYSTEMS, SystemName
from retail_sync.settings.loader import digest_of, load_settings
from retail_sync.settings.location import settings_path
from retail_sync.settings.models import SyncSettings
from retail_sync.sync.engine import text_tables
from retail_sync.sync.engine.stores import store_of
from retail_sync.sync.prices.taxes import compare_taxes

Row = dict[str, str]
"""A finding as it goes from task to task."""


class Checked(Protocol):
    """What can be looked at before a run."""

    async def check(self) -> Sequence[CheckResult]: ...


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
def check_house() -> list[Row]:
    """Configuration, packages, ledger, staging store and the key that seals what the ledger keeps secret."""
    findings: list[CheckResult] = []
    for subject, look in (
        ("configuration", _configuration),
        ("packages", _packages),
        ("ledger", _ledger),
        ("staging store", _staging),
        ("sealing key", _sealing),
    ):
        findings += _looked(subject, partial(_said, subject, look))
    return _rows(findings)


@gathered
def check_system(system: SystemName) -> list[Row]:
    """What the adapter finds about its system. A fault of the connection is a finding, not an error of this task;
    transient errors are tried again."""

    def look() -> list[CheckResult]:
        settings = load_settings()
        with Ledger.open() as ledger:
            context = get_current_context()
            # The tasks of both systems may run on two workers.
            require_one_configuration(ledger, f"preflight/{context['dag_run'].run_id}", settings)
            task = f"preflight/{context['ti'].task_id}"
            access = Access.of(settings, ledger, system, run_id=None, task=task)

            async def asked() -> list[CheckResult]:
                async with access.connector(system) as connector:
                    return await check_connector(connector, settings)

            return asyncio.run(asked())

    findings = _looked(f"{system} connection", look)
    telling.say(*_table(findings))
    return _rows(findings)


async def check_connector(connector: Connector, settings: SyncSettings) -> list[CheckResult]:
    """What a system says of all that the configuration wants of it. Where it can't be reached, that says it all."""
    report = PreflightReport()
    synced = settings.synced_entities
    exports = "orders" in synced or "sales" in synced
    documents = "orders" if connector.system == "commercetools" else "sales"
    for what, is_looked_at, is_needed in (
        ("products", True, True),
        ("inventory", True, "inventory" in synced),
        ("prices", True, "prices" in synced),
        ("customers", "customers" in synced, True),
        ("events", configured(settings), True),
        (documents, exports, True),
    ):
        offered: Checked | None = getattr(connector, what)
        if not is_looked_at:
            continue
        if offered is not None:
            report.results += await offered.check()
        elif is_needed:
            with report.faults_of(what):
                require(offered, what, connector.system)
        else:
            report.ok(what, "not offered by this store, and not in the configuration")
        if any(one.level == "error" and one.subject == "connection" for one in report.results):
            break
    return report.results


@gathered
def check_taxes(systems: Sequence[Sequence[Row] | None]) -> list[Row]:
    """Whether both systems tax the same things the same way, where lists of prices depend on it. `systems`: what was
    found about each; where one has errors, nothing more can be said."""
    if any(rows is None or any(one.level == "error" for one in _results(rows)) for rows in systems):
        return []

    def look() -> list[CheckResult]:
        settings = load_settings()
        if not settings.prices.synced:
            return []
        with Ledger.open() as ledger:
            task = f"preflight/{get_current_context()['ti'].task_id}"
            access = Access.of(settings, ledger, *SYSTEMS, run_id=None, task=task)
            return asyncio.run(asked(access))

    async def asked(access: Access) -> list[CheckResult]:
        async with access.storefront() as storefront, access.point_of_sale() as point_of_sale:
            online = require(storefront.prices, "prices", storefront.system)
            till = require(point_of_sale.prices, "prices", point_of_sale.system)
            await online.prepare()
            await till.prepare()
            today = datetime.now(UTC).date()
            return compare_taxes(online.tax_lines(), till.tax_lines(), access.settings, today)

    findings = _looked("taxes", look)
    if findings:
        telling.say(*_table(findings))
    return _rows(findings)


def report(checks: Mapping[str, Sequence[Row] | None], upstream: Sequence[str]) -> dict[str, Any]:
    """All findings as one table, errors first. Raises PreflightFailed where there is an error or a check is missing."""
    instance = get_current_context()["ti"]
    findings = [result for rows in checks.values() for result in _results(rows or ())]
    findings += [
        CheckResult("error", name, "This check did not come to an end.", "Look at the log of its task.")
        for name, rows in checks.items()
        if rows is None
    ]
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    problems = problems_of(instance, upstream)
    telling.say(*_table(findings), *problems)
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    verdict = ", ".join(f"{count} {level}" for level, count in counts.items())
    wrong = [f"{f.subject}: {f.finding} {f.remedy}".strip() for f in findings if f.level == "error"]
    instance.xcom_push(key=RUN_NOTE, value="\n".join([verdict, *wrong, *problems]))
    if wrong or problems:
        raise PreflightFailed(
            f"{max(counts['error'], len(problems))} things are not in order: {' '.join(wrong or problems)}"
        )
    return {"counts": counts, "findings": _rows(findings)}


def _looked(subject: str, look: Callable[[], list[CheckResult]]) -> list[CheckResult]:
    """What a look finds; a fault of it is a finding. Transient errors are tried again."""
    try:
        return look()
    except TransientError:
        raise
    except OtherConfiguration as fault:
        return [CheckResult.of_fault("configuration", fault)]
    except SyncError as fault:
        return [CheckResult.of_fault(subject, fault)]


def _said(subject: str, look: Callable[[], str]) -> list[CheckResult]:
    return [CheckResult("ok", subject, look())]


def _rows(findings: Sequence[CheckResult]) -> list[Row]:
    return [asdict(finding) for finding in findings]


def _results(rows: Sequence[Row]) -> list[CheckResult]:
    return [CheckResult(**row) for row in rows]  # type: ignore[arg-type]


def _table(findings: Sequence[CheckResult]) -> list[str]:
    rows = [[f.level.upper(), f.subject, f.finding, f.remedy] for f in findings]
    return text_tables.table(["", "what", "found", "what to do"], rows)


def _configuration() -> str:
    settings: SyncSettings = load_settings()
    return f"{settings_path()} is valid (format {settings.version}, configuration {digest_of(settings)})."


def _packages() -> str:
    missing = missing_extras(load_settings())
    if missing:
        modules = ", ".join(module for modules in missing.values() for module in modules)
        raise ConfigurationFault(
            f"The configuration needs {modules}, which this worker does not have.",
            remedy=f"Install retail-sync[{','.join(missing)}] wherever tasks run.",
        )
    return "What the configuration needs is installed."


def _ledger() -> str:
    with Ledger.open() as ledger:
        states = [f"{one.id}: {_aligned(ledger.runs.baseline(one.id))}" for one in ENTITIES]
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
