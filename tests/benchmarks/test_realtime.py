"""How long from a sale at the till until the storefront shows it, in an Airflow as the demo starts it."""

from __future__ import annotations

import statistics
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml

import tests.support.airflow_home as airflow_home
from demo.airflow import LocalAirflow
from demo.following import Storefront, sell_and_watch
from demo.postgres import EmbeddedPostgres
from demo.sandbox import Sandbox, settings_of_shop
from demo.shops import Shops
from demo.stock_edits import StockEdits
from retail_sync.ledger.migrate import upgrade
from sandbox.shop import SAMPLE_SHOP, load_shop
from sandbox.shop.config import default_config

SALES = 40
APART_SECONDS = 0.5
DAGS = ("products", "inventory", "orders", "sales", "subscribe")


@pytest.mark.benchmark
def test_the_storefront_follows_the_till(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    for name in ("bench_airflow", "bench_ledger"):
        postgres.create_database(name)
    upgrade(postgres.url("bench_ledger"))
    found, config = default_config(load_shop(SAMPLE_SHOP)), tmp_path / "sync.yaml"
    with ExitStack() as running:
        sandbox = running.enter_context(
            Sandbox(
                project=airflow_home.PROJECT, log=tmp_path / "sandbox.log", shop=SAMPLE_SHOP, with_orders=True
            )
        )
        sandbox.widen_request_budget(10**6)
        airflow = LocalAirflow(
            project=airflow_home.PROJECT,
            home=tmp_path / "airflow",
            database_url=postgres.url("bench_airflow", "psycopg2"),
            extra_env={
                **sandbox.places.connections(oauth=True),
                "RETAIL_SYNC_LEDGER": postgres.url("bench_ledger"),
                "RETAIL_SYNC_CONFIG": str(config),
                "RETAIL_SYNC_STAGING": (tmp_path / "staging").as_uri(),
            },
        )
        settings = settings_of_shop(found, with_orders=True, receiver_url=f"{airflow.url}/retail-sync/hooks")
        config.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))
        running.enter_context(airflow)
        api = running.enter_context(airflow.api())
        for pool, slots in (("commercetools_api", 8), ("lightspeed_api", 4)):
            api.put_pool(pool, slots)
        api.wait_for_dags(*DAGS)
        for dag_id in DAGS:
            api.unpause(dag_id)
        shops = running.enter_context(closing(Shops(sandbox.places)))
        channels = {location["outlet"]: location["channel"] for location in found["locations"]}
        edits = StockEdits(shops, channels)
        assert api.wait("products", api.trigger("products", {"mode": "full"})).state == "success"
        edits.opening_count()
        assert api.wait("inventory", api.trigger("inventory", {"mode": "full"})).state == "success"
        assert api.wait("subscribe", api.trigger("subscribe", {})).state == "success"
        front = Storefront(shops, channels)
        followed = list(sell_and_watch(edits, front, SALES, apart=APART_SECONDS))
    seconds = [one.seconds for one in followed if one.seconds is not None]
    assert len(seconds) == len(followed) == SALES
    cuts = statistics.quantiles(seconds, n=20)
    middle, longest = statistics.median(seconds), max(seconds)
    print(f"\n{SALES} sales: median {middle:.2f} s, p95 {cuts[18]:.2f} s, longest {longest:.2f} s")
