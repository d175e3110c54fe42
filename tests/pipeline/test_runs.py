"""What a run may be asked to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from retail_sync.ledger.rows import Run
from retail_sync.pipeline.runtime.entities import MOST_KEYS
from retail_sync.pipeline.runtime.runs import as_seen, ledger_run_id, order_of
from retail_sync.records.errors import ConfigurationFault
from retail_sync.sync.engine.request import RunRequest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_nothing_asked_is_a_delta_both_ways() -> None:
    assert order_of({}) == RunRequest(mode="delta", dry_run=False, since=None, keys=(), direction="both")


def test_keys_limit_a_run_and_a_limited_run_is_never_full() -> None:
    order = order_of({"mode": "full", "keys": [" A-1 ", "A-1", "", "B-2"]})
    assert order.keys == ("A-1", "B-2")
    assert order.limited and not order.full


def test_a_run_that_decides_looks_at_these_keys_only() -> None:
    order = order_of({"mode": "full", "approve": ["A-1"], "reject": [" B-2 "], "keys": ["C-3"]})
    assert (order.approve, order.reject, order.keys) == (("A-1",), ("B-2",), ("C-3", "A-1", "B-2"))
    assert order.limited and order.as_params()["approve"] == ["A-1"]


def test_a_dry_run_decides_nothing() -> None:
    with pytest.raises(ConfigurationFault, match="together with dry_run"):
        order_of({"dry_run": True, "approve": ["A-1"]})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-11-23T10:00:00+02:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (None, None),
        ("", None),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(given: str | None, meant: datetime | None) -> None:
    assert order_of({"since": given}, now=NOW).since == meant


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"mode": "everything"}, "`mode` is 'everything'.*delta, full"),
        ({"dry_run": "yes"}, "`dry_run` is 'yes'.*true or false"),
        ({"since": "yesterday"}, "`since` is 'yesterday', which is no time"),
        ({"since": "2027-01-01T00:00:00Z"}, "in the future"),
        ({"since": "2026-01-01T00:00:00Z", "mode": "full"}, "reads everything"),
        ({"since": "2026-01-01T00:00:00Z", "keys": ["A"]}, "together with `keys`"),
        ({"keys": "A-1"}, "`keys` is no list of texts"),
        ({"keys": [1]}, "list of texts"),
        ({"keys": ["x" * 70_000]}, "`keys` holds 'xxx.*of 70000 characters.*one a line"),
        ({"keys": ["Shoe\ud83d"]}, r"`keys` holds 'Shoe.ud83d', whose character 5"),
        ({"keys": ["a\x00b"]}, "whose character 2 is in no key"),
        ({"keys": [f"K-{n}" for n in range(500)]}, "500 keys were given.*200.*mode=full"),
        ({"keys": ["A"] * 150, "approve": [f"K-{n}" for n in range(200)]}, "201 keys were given"),
        ({"approve": ["x" * 301]}, "`approve` holds"),
        ({"reject": ["a\nb"]}, "`reject` holds"),
        ({"plan": "x" * 70_000}, "`plan` holds"),
        ({"plan": "a\x00"}, "`plan` holds"),
        ({"mode": "x" * 70_000}, "`mode` is 'xxx.*…"),
        ({"since": "x" * 70_000}, "`since` is 'xxx.*…"),
        ({"since": "0001-01-01T00:00:00+23:59"}, "`since` is '0001-01-01T00:00:00.23:59', before 2000"),
        ({"since": "9999-12-31T23:59:59-23:59"}, "beyond all calendars"),
        ({"since": "1999-12-31T23:59:59Z"}, "before 2000"),
        ({"since": ["2026-01-01"]}, "which is no time"),
        ({"since": 1e400}, "which is no time"),
        ({"direction": "sideways"}, "`direction` is 'sideways'.*to_lightspeed"),
        ({"plan": 7}, "`plan` is 7, which is no text"),
        ({"plan": "products/1", "mode": "full"}, "together with another param.*Give `plan` alone"),
        ({"plan": "products/1", "dry_run": True}, "together with another param"),
        ({"plan": "products/1", "keys": ["A-1"]}, "together with another param"),
        ({"plan": "products/1", "approve": ["A-1"]}, "together with another param"),
        ({"plan": "products/1", "direction": "to_lightspeed"}, "together with another param"),
    ],
)
def test_params_that_make_no_sense_name_themselves_and_the_way_out(params: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationFault, match=says):
        order_of(params, now=NOW)


@pytest.mark.parametrize(
    "name", ["mode", "dry_run", "since", "keys", "direction", "approve", "reject", "plan"]
)
@pytest.mark.parametrize(
    "value",
    [
        "\ud83d", "\x00", "x" * 70_000, ["\ud83d"], ["x" * 70_000], [["a"]], {"a": 1}, {}, 10**5000, 1e400,
        float("nan"), -1, True, None, "", [], [None], "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
        [f"K-{n}" for n in range(20_000)],
    ],
    ids=range(20),
)  # fmt: skip
def test_whatever_is_given_is_an_order_or_an_error_of_ours_that_is_short(name: str, value: Any) -> None:
    try:
        order = order_of({name: value}, now=NOW)
    except ConfigurationFault as problem:
        assert len(str(problem)) < 500
        str(problem).encode()
    else:
        assert len(order.keys) <= MOST_KEYS
        str(order.as_params()).encode()


def test_as_many_keys_as_may_be_are_taken() -> None:
    keys = [f"{n:0300}" for n in range(MOST_KEYS)]
    assert order_of({"keys": [*keys, *keys]}).keys == tuple(keys)


def test_an_order_survives_the_ledger() -> None:
    order = order_of(
        {"since": "2026-11-23T10:00:00Z", "direction": "to_lightspeed", "dry_run": True}, now=NOW
    )
    assert order_of(order.as_params(), now=NOW) == order


def looked(**more: Any) -> Run:
    """A dry run that ended well."""
    given: dict[str, Any] = {
        "id": "products/manual__1",
        "entity": "products",
        "purpose": "sync",
        "dag_id": "products",
        "airflow_run_id": "manual__1",
        "mode": "full",
        "params": {**RunRequest(mode="full", dry_run=True).as_params(), "asked_by": "Kim"},
        "state": "succeeded",
        "windows": {},
        "accounts": {},
        "summary": None,
        "error": None,
        "remedy": None,
        "started_at": NOW,
        "finished_at": NOW,
    }
    return Run(**(given | more))


def test_a_plan_is_applied_with_what_its_dry_run_read() -> None:
    asked = order_of({"plan": " products/manual__1 ", "mode": "delta", "keys": [], "since": None})
    order = as_seen(asked, looked(), "products")
    assert order == RunRequest(mode="full", plan="products/manual__1")
    assert order.full and order.as_params()["plan"] == "products/manual__1"
    limited = RunRequest(keys=("A-1",), direction="to_lightspeed", dry_run=True)
    assert as_seen(asked, looked(params=limited.as_params()), "products") == RunRequest(
        keys=("A-1",), direction="to_lightspeed", plan="products/manual__1"
    )
    since = RunRequest(since=datetime(2026, 11, 1, tzinfo=UTC), dry_run=True)
    assert as_seen(asked, looked(params=since.as_params()), "products").since == since.since


@pytest.mark.parametrize(
    ("run", "says"),
    [
        ({"entity": "prices"}, "a run of prices, not of products"),
        ({"params": RunRequest(mode="full").as_params()}, "was no dry run"),
        ({"state": "running"}, "has not ended.*new dry run"),
        ({"state": "failed"}, "has failed.*new dry run"),
    ],
)
def test_only_a_dry_run_of_the_entity_that_ended_well_has_a_plan_to_apply(
    run: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationFault, match=says):
        as_seen(RunRequest(plan="products/manual__1"), looked(**run), "products")


def test_two_entities_of_one_dag_run_have_runs_of_their_own() -> None:
    assert ledger_run_id("products", "manual__1", "products") == "products/manual__1"
    names = {ledger_run_id("reconcile", "manual__1", entity) for entity in ("products", "prices")}
    assert len(names) == 2
