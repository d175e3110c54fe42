"""What `forget` does: find both profiles, erase them, keep them out, say how much was erased."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from retail_sync.ledger.decisions import Decision
from retail_sync.ledger.erasing import erase, erase_mentions, start_over
from retail_sync.ledger.ledger import Ledger
from retail_sync.pipeline.runtime import task_log as telling
from retail_sync.pipeline.runtime.context import staging_root
from retail_sync.pipeline.runtime.runs import keys_in
from retail_sync.records.customers import ENTITY, KIND
from retail_sync.records.errors import ConfigurationFault
from retail_sync.records.orders import ENTITY as ORDERS
from retail_sync.records.ports.products import SYSTEMS
from retail_sync.records.sales import ENTITY as SALES
from retail_sync.sync.customers.ruling import FORGOTTEN, IDENTITY, refuse_addresses
from retail_sync.sync.engine import text_tables
from retail_sync.sync.engine.stores import store_of
from retail_sync.sync.sales.knowing import sales_of_customers

FORGET = "forget"
"""What runs of this kind are called in the ledger."""
RUNNING_FOR_SURE = timedelta(hours=12)
"""A run that began longer ago and never ended has died: no task of this package lives that long."""
NAMING = (ENTITY, ORDERS, SALES)
"""Entities whose records are people, or name them by id."""


def forget(context: Mapping[str, Any]) -> dict[str, Any]:
    """Erase whom the run's `keys` name, and their sales; web orders stay, and are nobody's.

    Raises ConfigurationFault for keys that name nobody, and while customers, orders or sales are being synced: that run
    would write down again what is erased here."""
    params = context["params"]
    keys = keys_in("keys", params.get("keys"))
    if not keys:
        raise ConfigurationFault(
            "No keys were given.", remedy="Trigger it again with a customer number or id."
        )
    refuse_addresses(keys)
    dag_run = context["dag_run"]
    run_id = f"{FORGET}/{dag_run.run_id}"
    by = getattr(dag_run, "triggering_user_name", None) or "somebody"
    with Ledger.open() as ledger:
        require_quiet(ledger, datetime.now(UTC))
        # The keys are not among the params: the run stays, and says nothing of whom it was about.
        ledger.runs.open(
            run_id,
            FORGET,
            purpose="erase",
            dag_id=dag_run.dag_id,
            airflow_run_id=dag_run.run_id,
            mode="delta",
            params={"people": len(keys), "by": by},
        )
        records = profiles_of(ledger, keys)
        if not any(records.values()):
            nobody = ConfigurationFault(
                "The ledger knows nobody by these keys.",
                remedy="Look at the ids in both systems, or find them with "
                "`python -m retail_sync.pipeline.cli.find_customer`. If they were "
                "forgotten before, there is nothing left to do.",
            )
            ledger.runs.finish(run_id, "failed", {}, None, nobody.message, nobody.remedy)
            raise nobody
        # Their own rows go last: as long as they are there, a try that was broken off can be taken up again.
        with writing_nothing(ledger, run_id):
            folders = forget_staged()
            for entity in NAMING:
                start_over(ledger.engine, entity)
            if params.get("keep_out", True):
                keep_out(ledger, records, by, run_id)
            beside = erase_beside(ledger, records, run_id)
            found = erase(ledger.engine, ENTITY, records, run_id=run_id) | beside
        told = f"{sum(map(len, records.values()))} profiles erased: " + ", ".join(
            f"{count} {table}" for table, count in found.items() if count
        )
        ledger.runs.finish(run_id, "succeeded", {"add_up": True, **found}, f"{told}; by {by}.")
    telling.say(*text_tables.counts("rows of", found), f"{folders} staged runs removed.")
    return {**found, "staged runs": folders}


@contextmanager
def writing_nothing(ledger: Ledger, run_id: str) -> Iterator[None]:
    """Nobody else settles anything about people meanwhile, and who was paused in the middle of it never will: it would
    write down again what is erased. Raises LeaseHeld while a worker may still be at it."""
    with ExitStack() as stack:
        for entity in NAMING:
            stack.enter_context(ledger.leases.taken(entity, run_id))
        yield


def profiles_of(ledger: Ledger, keys: Collection[str]) -> dict[str, set[str]]:
    """Ids by system of whom these numbers or ids name, and of their partners, retired links included."""
    found: dict[str, set[str]] = {
        system: {
            *ledger.mirror.cells(ENTITY, KIND, system, labels=keys)["id"],
            *ledger.mirror.cells(ENTITY, KIND, system, ids=keys)["id"],
        }
        for system in SYSTEMS
    }
    for retired in (False, True):
        ours = found["commercetools"] | set(keys)
        theirs = found["lightspeed"] | set(keys)
        for link in ledger.links.read(
            ENTITY, KIND, commercetools_ids=ours, lightspeed_ids=theirs, retired=retired
        ):
            found["commercetools"].add(link.commercetools_id)
            found["lightspeed"].add(link.lightspeed_id)
    return found


def erase_beside(ledger: Ledger, records: Mapping[str, Collection[str]], run_id: str) -> dict[str, int]:
    """Erase these people's sales, and who they are in web orders: by account, by the till's customer, or, where a guest
    ordered, by the digest of an address; rows touched, a table and entity."""
    sales = erase(ledger.engine, SALES, sales_of_customers(ledger, records["lightspeed"]), run_id=run_id)
    digests = {
        str(token)
        for system in SYSTEMS
        for row in ledger.mirror.read(ENTITY, KIND, system, ids=records[system])
        for token in (row.identity.get("tokens") or {}).get("email", ())
    }
    orders = erase_mentions(
        ledger.engine, ORDERS, {*records["commercetools"], *records["lightspeed"], *digests}
    )
    return {
        **{f"{table} of {SALES}": count for table, count in sales.items()},
        **{f"{table} of {ORDERS}": count for table, count in orders.items()},
    }


def keep_out(ledger: Ledger, records: Mapping[str, Collection[str]], by: str, run_id: str) -> None:
    """Both profiles take no part any more, as if a person had said so of each."""
    ledger.decisions.add(
        ENTITY,
        [
            Decision(
                subject=f"{system}:{record}",
                code=IDENTITY,
                field="",
                verdict="reject",
                about="identity",
                by=by,
                note=FORGOTTEN,
                run_id=run_id,
            )
            for system, ids in records.items()
            for record in sorted(ids)
        ],
    )


def require_quiet(ledger: Ledger, now: datetime, within: timedelta = RUNNING_FOR_SURE) -> None:
    """Raises ConfigurationFault while a run of customers, orders or sales is under way."""
    for entity in NAMING:
        for run in ledger.runs.last(entity):
            if run.state == "running" and now - run.started_at < within:
                raise ConfigurationFault(
                    f"{entity.capitalize()} are being synced by {run.airflow_run_id}, which would write down again "
                    "what is erased.",
                    remedy="Wait for that run to end, or end it, then clear this task.",
                )


def forget_staged() -> int:
    """Remove what runs of customers, orders and sales have staged; how many runs. They are over, and a new one stages
    its own."""
    store, removed = store_of(staging_root()), 0
    for folder in store.runs():
        if any(f"-{entity}-" in f"-{folder}" for entity in NAMING):
            store.remove(folder)
            removed += 1
    return removed
