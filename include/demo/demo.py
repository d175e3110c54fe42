"""`make demo`: a sample shop in both stand-ins, a real Airflow that aligns them, and what came of it.

    python -m demo.demo [--shop FOLDER] [--once]

Everything it writes is in `.runtime/demo` of the checkout; every run begins with empty databases.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo import airflow_settings
from demo.airflow import AirflowError, LocalAirflow
from demo.airflow_api import AirflowApi, AirflowApiError, TaskInstance
from demo.following import Storefront, sell_and_watch
from demo.order_edits import OrderEdits
from demo.people_edits import PeopleEdits
from demo.postgres import EmbeddedPostgres, PostgresError
from demo.price_edits import PriceEdits
from demo.sandbox import ENTITIES, Sandbox, SandboxError, settings_of_shop
from demo.shop_edits import ShopEdits
from demo.shops import Shops
from demo.signals import Interrupted, ending_in_order
from demo.stock_edits import StockEdits
from retail_sync.ledger.ledger import Ledger
from retail_sync.ledger.migrate import upgrade
from retail_sync.ledger.rows import Hold
from sandbox.shop import SAMPLE_SHOP, ShopError, load_shop
from sandbox.shop.config import default_config

PROJECT = Path(__file__).parents[2]
RUNTIME = PROJECT / ".runtime" / "demo"
AUDITED = {
    "preflight": False,
    "subscribe": False,
    **dict.fromkeys(ENTITIES, True),
}
"""The DAGs the demo runs, and whether each keeps accounts."""
REQUEST_BUDGET = 20_000
SHOWN_HOLDS = 20
WATCHED_SALES = 5
SHOWN_LABEL = 40
SHOWN_LOG_LINES = 12
WAITING = "waiting"
SHOWN_STATES = frozenset({"running", "success", "failed", "up_for_retry", "upstream_failed", "skipped"})


@dataclass(frozen=True)
class Outcome:
    """One finished run: its title, Airflow's state of it, and what its `audit` task returned (None: it keeps none)."""

    title: str
    state: str
    audit: Mapping[str, Any] | None
    writes_expected: bool = True

    def complaints(self) -> Iterator[str]:
        """What is not as it should be, in sentences; nothing where the run is sound."""
        if self.state != "success":
            yield f"{self.title}: the run {self.state}"
        if self.audit is None:
            return
        if not self.audit["accounts_add_up"]:
            yield f"{self.title}: the accounts do not add up"
        changes = self.audit["accounts"]["changes"]
        if changes and not self.writes_expected:
            yield f"{self.title}: {changes} changes, though nothing was edited since the run before"


class Demo:
    """The story the demo tells: align, edit both sides, carry the edits across, find nothing left to do; first for
    products, then for prices, stock, customers, orders and in-store sales."""

    def __init__(
        self,
        api: AirflowApi,
        edits: ShopEdits,
        prices: PriceEdits,
        stock: StockEdits,
        people: PeopleEdits,
        orders: OrderEdits,
        front: Storefront,
    ) -> None:
        self._api = api
        self._edits = edits
        self._prices = prices
        self._stock = stock
        self._people = people
        self._orders = orders
        self._front = front
        self.lost: list[str] = []
        """Sales that the storefront did not follow, in sentences."""
        self.outcomes: list[Outcome] = []

    def play(self) -> None:
        for dag_id in AUDITED:
            self._api.unpause(dag_id)
        self._run("preflight: connections, scopes, mapping", "preflight", {})
        self._run("products in full: the first alignment", "products", {"mode": "full"})
        _tell_of("editing both shops", self._edits.on_both_sides())
        self._run("products delta: the edits", "products", {"mode": "delta"})
        self._run_again("products")
        self._run("prices in full: every list", "prices", {"mode": "full"})
        _tell_of("changing prices on both sides", self._prices.on_both_sides())
        self._run("prices delta: what changed, and what waits for a person", "prices", {"mode": "delta"})
        if waiting := self._prices.waiting:
            self._run(f"approving the price of {waiting}", "prices", {"approve": [waiting]})
        self._run_again("prices")
        _tell_of("the till has no stock yet: counting it", self._stock.opening_count())
        self._run("inventory in full: every channel shows what the till has", "inventory", {"mode": "full"})
        _tell_of("selling and counting at the till", self._stock.at_the_till())
        self._run("inventory delta: the sale and the count", "inventory", {"mode": "delta"})
        self._run_again("inventory")
        self._run("customers in full: who is who", "customers", {"mode": "full"})
        _tell_of("editing customers on both sides", self._people.on_both_sides())
        self._run("customers delta: the edits", "customers", {"mode": "delta"})
        if pair := self._people.two_people():
            self._run(
                "deciding that two who share an address are two people", "customers", {"reject": [pair]}
            )
        self._run_again("customers")
        self._run("orders in full: web orders become sales", "orders", {"mode": "full"})
        _tell_of("ordering and cancelling online", self._orders.online())
        self._run("orders delta: one more sale, one void", "orders", {"mode": "delta"})
        self._run_again("orders")
        self._run("in-store sales in full: into online profiles", "sales", {"mode": "full"})
        self._run_again("sales")
        self._run("subscribe: both sides tell of changes from now on", "subscribe", {})
        self._follow()

    def _follow(self) -> None:
        """Sell at the till, and watch the storefront follow without anybody starting anything."""
        say("selling at the till, a piece each time; nobody starts a run")
        for one in sell_and_watch(self._stock, self._front, WATCHED_SALES):
            where = f"{one.sku} in {one.outlet}"
            if one.seconds is None:
                self.lost.append(f"{where} was sold, and the storefront did not follow")
            else:
                detail(
                    f"{where}: sold one, the storefront shows {one.after} instead of {one.before} "
                    f"after {one.seconds:.1f} s"
                )

    def _run_again(self, dag_id: str) -> None:
        title = f"{dag_id} in full again: nothing should be left to write"
        self._run(title, dag_id, {"mode": "full"}, writes_expected=False)

    def _run(self, title: str, dag_id: str, conf: Mapping[str, Any], *, writes_expected: bool = True) -> None:
        say(title)
        began = time.monotonic()
        run_id = self._api.trigger(dag_id, conf)
        run = self._api.wait(dag_id, run_id, on_change=lambda task: self._tell(dag_id, run_id, task))
        detail(f"{run.state} in {time.monotonic() - began:.0f} s")
        audit = self._api.xcom(dag_id, run_id, "audit") if AUDITED[dag_id] else None
        self.outcomes.append(Outcome(title, run.state, audit, writes_expected))
        for line in (audit or {}).get("summary", "").splitlines():
            detail(line)

    def _tell(self, dag_id: str, run_id: str, task: TaskInstance) -> None:
        if task.state not in SHOWN_STATES:
            return
        again = f", try {task.try_number}" if task.try_number > 1 else ""
        detail(f"{task.label}: {task.state.replace('_', ' ')}{again}")
        if task.state in ("failed", "up_for_retry"):
            lines = self._api.task_log(
                dag_id, run_id, task.task_id, map_index=task.map_index, try_number=task.try_number
            )
            for line in lines[-SHOWN_LOG_LINES:]:
                detail(f"  {line}")


def _tell_of(title: str, sentences: Sequence[str]) -> None:
    if sentences:
        say(title)
    for sentence in sentences:
        detail(sentence)


def held_lines(holds: Sequence[Hold], shown: int = SHOWN_HOLDS) -> Iterator[str]:
    """What is held, one line a hold: which record, why, and what would release it."""
    told = sorted(
        holds, key=lambda hold: hold.code == WAITING
    )  # those come last: another hold is their reason
    for hold in told[:shown]:
        label = textwrap.shorten(hold.label or hold.subject, SHOWN_LABEL, placeholder="...")
        release = f" {hold.release}" if hold.release else ""
        yield f"{hold.code}: {label}: {hold.message}{release}"
    if len(told) > shown:
        yield f"... and {len(told) - shown} more"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0 if every run succeeded and every account adds up."""
    parser = argparse.ArgumentParser(prog="python -m demo.demo", description="Sync a shop in a real Airflow.")
    parser.add_argument(
        "--shop", type=Path, default=SAMPLE_SHOP, help="a shop folder; default: the sample shop"
    )
    parser.add_argument("--once", action="store_true", help="end after the account instead of staying up")
    options = parser.parse_args(arguments)
    try:
        with ending_in_order(), ExitStack() as running:
            return _play(running, options.shop, once=options.once)
    except Interrupted:
        say("stopped; nothing is left running")
        return 130
    except (AirflowError, AirflowApiError, PostgresError, SandboxError, ShopError) as error:
        print(f"\nthe demo failed: {error}", file=sys.stderr)
        return 1


def _play(running: ExitStack, shop: Path, *, once: bool) -> int:
    began = time.monotonic()
    found = default_config(load_shop(shop))
    for left_over in (RUNTIME / "airflow" / "logs", RUNTIME / "staging"):
        shutil.rmtree(left_over, ignore_errors=True)
    RUNTIME.mkdir(parents=True, exist_ok=True)
    config = RUNTIME / "sync.yaml"

    say(f"starting both stand-ins with the shop {shop}")
    sandbox = running.enter_context(
        Sandbox(project=PROJECT, log=RUNTIME / "sandbox.log", shop=shop, with_orders=True)
    )
    sandbox.widen_request_budget(REQUEST_BUDGET)
    say("starting PostgreSQL")
    postgres = running.enter_context(EmbeddedPostgres(RUNTIME / "postgres"))
    for name in ("airflow", "ledger"):
        postgres.drop_database(name)
        postgres.create_database(name)
    upgrade(postgres.url("ledger"))
    airflow = LocalAirflow(
        project=PROJECT,
        home=RUNTIME / "airflow",
        database_url=postgres.url("airflow", "psycopg2"),
        extra_env={
            # As an application: only its webhooks are signed.
            **sandbox.places.connections(oauth=True),
            "RETAIL_SYNC_LEDGER": postgres.url("ledger"),
            "RETAIL_SYNC_CONFIG": str(config),
            "RETAIL_SYNC_STAGING": (RUNTIME / "staging").as_uri(),
        },
        say=say,
    )
    settings = settings_of_shop(found, with_orders=True, receiver_url=f"{airflow.url}/retail-sync/hooks")
    config.write_text(yaml.safe_dump(settings, allow_unicode=True, sort_keys=False))
    running.enter_context(airflow)
    api = running.enter_context(airflow.api())
    for pool in airflow_settings.read(PROJECT / "airflow_settings.yaml").pools:
        api.put_pool(pool.name, pool.slots, pool.description)
    say("waiting for the DAGs")
    api.wait_for_dags(*AUDITED)

    shops = running.enter_context(closing(Shops(sandbox.places)))
    channels = {location["outlet"]: location["channel"] for location in found["locations"]}
    demo = Demo(
        api,
        ShopEdits(shops, locale=found["locale"]),
        PriceEdits(shops, found["price_lists"]),
        StockEdits(shops, channels),
        PeopleEdits(shops, found["customers"]["fields"].get("consent")),
        OrderEdits(shops),
        Storefront(shops, channels),
    )
    demo.play()
    with Ledger.open(postgres.url("ledger")) as ledger:
        for dag_id in (name for name, audited in AUDITED.items() if audited):
            holds = ledger.holds.open_holds(dag_id)
            say(f"{dag_id}: {len(holds)} holds are open{', each tried again by itself' if holds else ''}")
            for line in held_lines(holds):
                detail(line)
    complaints = [complaint for outcome in demo.outcomes for complaint in outcome.complaints()]
    complaints += demo.lost
    say(
        f"{'NOT as it should be' if complaints else 'all accounts add up'}, after {time.monotonic() - began:.0f} s"
    )
    for complaint in complaints:
        detail(complaint)
    if not once:
        _stay_up(airflow)
    return 1 if complaints else 0


def _stay_up(airflow: LocalAirflow) -> None:
    say(f"Airflow:  {airflow.url}")
    for user, password in airflow.passwords.items():
        detail(f"user {user}, password {password}")
    say("Ctrl-C stops everything")
    while True:
        time.sleep(1.0)
        if ended := airflow.ended_components():
            raise AirflowError(f"{', '.join(ended)} ended by itself; see {airflow.log_folder}")


def say(sentence: str) -> None:
    """A step, on a line of its own."""
    print(f"\n▸ {sentence}" if sys.stdout.isatty() else f"> {sentence}", flush=True)


def detail(sentence: str) -> None:
    """Something within a step."""
    print(f"    {sentence}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
