"""What `forget` refuses, finds and takes up again, without Airflow: its context is a dictionary here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.ledger.ledger import Ledger
from include.ledger.rows import Link, MirrorRow
from include.pipeline import erasing
from include.pipeline.context import staging_root
from include.records.errors import ConfigurationFault, SystemUnavailable
from include.sync.customers.ruling import forgotten_of
from include.sync.staging import Staging

pytestmark = pytest.mark.airflow

BOTH = {"commercetools": {"online-1"}, "lightspeed": {"till-1"}}


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A settled run, and one linked person with the number C-1 online."""
    monkeypatch.setenv("RETAIL_SYNC_LEDGER", ledger_url)
    monkeypatch.setenv("RETAIL_SYNC_STAGING", str(tmp_path / "staging"))
    with Ledger.open(ledger_url) as opened:
        begin(opened, "customers")
        opened.finish_run("customers/1", "succeeded", {})
        for system, record, label in (("commercetools", "online-1", "C-1"), ("lightspeed", "till-1", None)):
            row = MirrorRow(id=record, version=1, label=label, digest="d", fields={"last_name": "~1"})
            opened.mirror.see("customers", "customer", system, "customers/1", [row])
        link = Link(
            entity="customers", kind="customer", commercetools_id="online-1", lightspeed_id="till-1",
            matched_by="email", run_id="customers/1",
        )  # fmt: skip
        opened.links.add([link])
        yield opened


def begin(ledger: Ledger, entity: str) -> None:
    ledger.open_run(f"{entity}/1", entity, dag_id=entity, airflow_run_id="manual__1", mode="full", params={})


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


@pytest.mark.parametrize("keys", [[], ["  "], ["kim@planted.example"], ["C-1", "kim@planted.example"]])
def test_no_keys_and_addresses_are_refused_before_anything_is_kept(ledger: Ledger, keys: list[str]) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        forget(*keys)
    assert "planted" not in f"{caught.value} {caught.value.remedy}"
    assert len(known(ledger)) == 2
    assert ledger.last_runs("forget") == []


def test_keys_that_name_nobody_fail_and_leave_no_run_under_way(ledger: Ledger) -> None:
    with pytest.raises(ConfigurationFault, match="knows nobody by these keys"):
        forget("C-2")
    (run,) = ledger.last_runs("forget")
    assert (run.state, dict(run.params)) == ("failed", {"people": 1, "by": "Kim"})
    assert len(known(ledger)) == 2


def test_nobody_is_forgotten_while_customers_are_synced_unless_that_run_has_died(ledger: Ledger) -> None:
    ledger.open_run(
        "customers/2", "customers", dag_id="customers", airflow_run_id="manual__9", mode="full", params={}
    )
    with pytest.raises(ConfigurationFault, match="being synced by manual__9"):
        forget("C-1")
    assert len(known(ledger)) == 2
    erasing.require_quiet(ledger, datetime.now(UTC) + timedelta(hours=13))
    ledger.finish_run("customers/2", "failed", {})
    assert forget("C-1")["mirror"] == 2


def test_what_customers_staged_goes_and_what_others_staged_stays(ledger: Ledger) -> None:
    names = (
        "customers/manual__1",
        "reconcile/customers/scheduled__1",
        "products/manual__1",
        "reconcile/products/manual__1",
    )
    for name in names:
        Staging(staging_root(), name).write_document("plan", {"x": 1})
    ledger.checkpoints.set("customers/1", "extract_lightspeed", {"done": True})
    assert forget("C-1")["staged runs"] == 2
    assert {folder.name for folder in staging_root().iterdir()} == {
        "products-manual__1",
        "reconcile-products-manual__1",
    }
    assert ledger.checkpoints.get("customers/1", "extract_lightspeed") is None, (
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
    (run,) = ledger.last_runs("forget")
    assert run.state == "succeeded"
