"""What `forget` refuses, finds and takes up again, without Airflow: its context is a dictionary here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.rows import ChangeRow, HoldDraft, MirrorRow
from retail_sync.pipeline.runtime.context import staging_root
from retail_sync.pipeline.tasks import erase_customer as erasing
from retail_sync.records.errors import ConfigurationFault, SystemUnavailable
from retail_sync.records.orders import ENTITY as ORDERS
from retail_sync.records.sales import ENTITY as SALES
from retail_sync.records.sales import KIND as SALE
from retail_sync.sync.customers.ruling import forgotten_of
from retail_sync.sync.engine.staging import Staging
from tests.support.links import pair

pytestmark = pytest.mark.airflow

BOTH = {"commercetools": {"online-1"}, "lightspeed": {"till-1"}}


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A settled run, and one linked person with the number C-1 online."""
    monkeypatch.setenv("RETAIL_SYNC_LEDGER", ledger_url)
    monkeypatch.setenv("RETAIL_SYNC_STAGING", str(tmp_path / "staging"))
    with Ledger.open(ledger_url) as opened:
        begin(opened, "customers")
        opened.runs.finish("customers/1", "succeeded", {})
        for system, record, label in (("commercetools", "online-1", "C-1"), ("lightspeed", "till-1", None)):
            row = MirrorRow(id=record, version=1, label=label, digest="d", fields={"last_name": "~1"})
            opened.mirror.see("customers", "customer", system, "customers/1", [row])
        link = pair("online-1", "till-1", "customers", "customer", matched_by="email")
        opened.links.add([link])
        yield opened


def begin(ledger: Ledger, entity: str) -> None:
    ledger.runs.open(f"{entity}/1", entity, dag_id=entity, airflow_run_id="manual__1", mode="full", params={})


def sale(record: str, customer: str | None) -> MirrorRow:
    carry = {"document": {"id": record, "customer_id": customer}}
    return MirrorRow(
        id=record, parent_id=customer, version=1, label=record, digest="d", fields={}, carry=carry,
        identity={"number": f"POS-{record}"},
    )  # fmt: skip


def run_of_sales(ledger: Ledger, *rows: MirrorRow) -> None:
    """A run that took these sales, and keeps something back of each."""
    begin(ledger, SALES)
    ledger.mirror.see(SALES, SALE, "lightspeed", "sales/1", rows)
    for row in rows:
        base = {"key": f"POS-{row.id}"}
        link = pair(f"order-{row.id}", row.id, SALES, SALE, base=base, matched_by="created", run_id="sales/1")
        ledger.links.add([link])
        change = ChangeRow(
            run_id="sales/1", entity=SALES, kind=SALE, subject=f"lightspeed:{row.id}", label=row.label,
            system="commercetools", action="import", unit=row.id, source_id=row.id,
            after={"document": {"number": f"POS-{row.id}"}},
        )  # fmt: skip
        ledger.changes.store([change])
    holds = [
        HoldDraft(kind=SALE, subject=f"lightspeed:{row.id}", code="sale_changed", message="-") for row in rows
    ]
    ledger.runs.settle("sales/1", SALES, cursors={}, holds=holds)
    ledger.runs.finish("sales/1", "succeeded", {})


def forget(*keys: str, keep_out: bool = True, run: str = "manual__2") -> dict[str, Any]:
    dag_run = SimpleNamespace(run_id=run, dag_id="forget", triggering_user_name="Kim")
    return erasing.forget({"params": {"keys": list(keys), "keep_out": keep_out}, "dag_run": dag_run})


def known(ledger: Ledger) -> list[str]:
    return [
        row.id
        for system in ("commercetools", "lightspeed")
        for row in ledger.mirror.read("customers", "customer", system)
    ]


@pytest.mark.parametrize("key", ["C-1", "online-1", "till-1", " till-1 "])
def test_a_number_or_either_id_names_both_profiles(ledger: Ledger, key: str) -> None:
    found = forget(key)
    assert (found["mirror"], found["links"]) == (2, 1)
    assert known(ledger) == []
    out = forgotten_of(ledger.decisions.latest("customers"))
    assert out == {"commercetools:online-1", "lightspeed:till-1"}


def test_partners_of_a_link_that_was_retired_are_found_too(ledger: Ledger) -> None:
    (link,) = ledger.links.read("customers", "customer")
    ledger.links.retire(link.id)
    assert erasing.profiles_of(ledger, ["till-1"]) == BOTH


def test_whoever_may_come_back_is_erased_and_not_kept_out(ledger: Ledger) -> None:
    forget("C-1", keep_out=False)
    assert known(ledger) == []
    assert ledger.decisions.latest("customers") == []


def test_their_sales_are_erased_and_those_of_others_stay(ledger: Ledger) -> None:
    run_of_sales(ledger, sale("sale-1", "till-1"), sale("sale-2", "till-2"), sale("sale-3", None))
    found = forget("C-1")
    assert {name: found[f"{name} of sales"] for name in ("mirror", "links", "changes", "holds")} == {
        "mirror": 1,
        "links": 1,
        "changes": 1,
        "holds": 1,
    }
    assert [row.id for row in ledger.mirror.read(SALES, SALE, "lightspeed")] == ["sale-2", "sale-3"]
    assert [one.lightspeed_id for one in ledger.links.read(SALES, SALE)] == ["sale-2", "sale-3"]
    gone, *others = sorted(ledger.changes.read("sales/1"), key=lambda one: str(one.source_id))
    assert (gone.source_id, gone.label, gone.after, gone.outcome) == ("sale-1", None, {}, "superseded")
    assert [one.after["document"]["number"] for one in others] == ["POS-sale-2", "POS-sale-3"]


def test_their_web_orders_stay_and_are_nobodys(ledger: Ledger) -> None:
    ledger.runs.open("orders/1", ORDERS, dag_id=ORDERS, airflow_run_id="1", mode="full", params={})
    ledger.runs.finish("orders/1", "succeeded", {})
    identity = {"tokens": {"email": ["digest-1"]}}
    person = MirrorRow(id="till-1", version=2, digest="d", fields={}, identity=identity)
    ledger.mirror.see("customers", "customer", "lightspeed", "customers/1", [person])
    documents: dict[str, dict[str, Any]] = {
        "mine": {"customer_id": "online-1", "total": 1},
        "guest": {"customer_id": None, "email_tokens": ["digest-1"]},
        "other": {"customer_id": "online-2", "email_tokens": ["digest-2"]},
    }
    rows = [
        MirrorRow(id=name, version=1, label=name, digest="d", fields={}, carry={"document": one})
        for name, one in documents.items()
    ]
    ledger.mirror.see(ORDERS, "order", "commercetools", "orders/1", rows)
    base = {"order": "mine", "sale": {"customer_id": "till-1"}, "returns": [{"customer_id": "till-1"}]}
    link = pair("mine", "sale-9", ORDERS, "sale", base=base, matched_by="created", run_id="orders/1")
    ledger.links.add([link])
    found = forget("C-1")
    assert (found["mirror of orders"], found["links of orders"]) == (2, 1)
    left = {
        row.id: (row.carry or {})["document"] for row in ledger.mirror.read(ORDERS, "order", "commercetools")
    }
    assert left == {
        "mine": {"customer_id": None, "total": 1},
        "guest": {"customer_id": None, "email_tokens": []},
        "other": documents["other"],
    }
    (kept,) = ledger.links.read(ORDERS, "sale")
    assert kept.base == {"order": "mine", "sale": {"customer_id": None}, "returns": [{"customer_id": None}]}


@pytest.mark.parametrize("keys", [[], ["  "], ["kim@planted.example"], ["C-1", "kim@planted.example"]])
def test_no_keys_and_addresses_are_refused_before_anything_is_kept(ledger: Ledger, keys: list[str]) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        forget(*keys)
    assert "planted" not in f"{caught.value} {caught.value.remedy}"
    assert len(known(ledger)) == 2
    assert ledger.runs.last("forget") == []


def test_keys_that_name_nobody_fail_and_leave_no_run_under_way(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationFault, match="knows nobody by these keys"):
        forget("C-2")
    (run,) = ledger.runs.last("forget")
    assert (run.state, dict(run.params)) == ("failed", {"people": 1, "by": "Kim"})
    assert len(known(ledger)) == 2


@pytest.mark.parametrize("entity", ["customers", "orders", "sales"])
def test_nobody_is_forgotten_while_they_may_be_written_down_unless_that_run_has_died(
    ledger: Ledger, entity: str
) -> None:
    run = f"{entity}/2"
    ledger.runs.open(run, entity, dag_id=entity, airflow_run_id="manual__9", mode="full", params={})
    with pytest.raises(ConfigurationFault, match="being synced by manual__9"):
        forget("C-1")
    assert len(known(ledger)) == 2
    erasing.require_quiet(ledger, datetime.now(UTC) + timedelta(hours=13))
    ledger.runs.finish(run, "failed", {})
    assert forget("C-1")["mirror"] == 2


def test_what_customers_orders_and_sales_staged_goes_and_what_others_staged_stays(ledger: Ledger) -> None:
    names = (
        "customers/manual__1",
        "reconcile/customers/scheduled__1",
        "orders/manual__1",
        "backfill/sales/manual__1",
        "sales/scheduled__1",
        "products/manual__1",
        "reconcile/products/manual__1",
    )
    for name in names:
        Staging(staging_root(), name, ledger.checkpoints).write_document("plan", {"x": 1})
    begin(ledger, SALES)
    ledger.runs.finish("sales/1", "succeeded", {})
    for run in ("customers/1", "sales/1"):
        ledger.checkpoints.set(run, "extract_lightspeed", {"done": True})
    assert forget("C-1")["staged runs"] == 5
    left = {folder.name.rpartition("-")[0] for folder in staging_root().iterdir()}
    assert left == {"products-manual__1", "reconcile-products-manual__1"}
    for run in ("customers/1", "sales/1"):
        assert ledger.checkpoints.get(run, "extract_lightspeed") is None, (
            "a cleared task reads anew instead of looking for what is gone"
        )


def test_a_try_that_is_broken_off_before_the_rows_are_gone_is_taken_up_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any, **__: Any) -> None:
        raise SystemUnavailable("The database is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "erase", lost)
        with pytest.raises(SystemUnavailable):
            forget("C-1")
    assert forget("C-1")["mirror"] == 2
    assert known(ledger) == []
    assert len(ledger.decisions.latest("customers")) == 2
    (run,) = ledger.runs.last("forget")
    assert run.state == "succeeded"
