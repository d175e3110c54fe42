"""The console inside a real Airflow, in a real browser: what a person sees, presses, and finds done afterwards."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import tests.support.airflow_home as airflow_home
from demo.airflow import LocalAirflow
from demo.airflow_api import AirflowApi
from demo.postgres import EmbeddedPostgres
from retail_sync.ledger.rows import Hold
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.console.conftest import CHROMIUM
from tests.dags.conftest import environment
from tests.dags.test_products import linked_sku
from tests.support.builders.inventory import Stocked
from tests.support.worlds import World, world_of

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]

PATIENCE = 300.0
PICTURES = os.environ.get("CONSOLE_PICTURES")
"""A folder for screenshots, to be looked at."""
PAGES = ("", "holds", "runs", "search", "stock", "drift")


@dataclass
class Stage:
    world: World
    airflow: LocalAirflow
    api: AirflowApi
    browser: Any

    def sign_in(self, user: str, **options: Any) -> Any:
        """A browser of this user's, signed in to Airflow as its own login page does it."""
        answer = httpx.post(
            f"{self.airflow.url}/auth/token",
            json={"username": user, "password": self.airflow.passwords[user]},
            timeout=60,
            trust_env=False,
        )
        context = self.browser.new_context(**options)
        token = answer.json()["access_token"]
        context.add_cookies([{"name": "_token", "value": token, "url": self.airflow.url}])
        page = context.new_page()
        page.set_default_timeout(60_000)
        return page

    def address(self, path: str = "") -> str:
        return f"{self.airflow.url}/retail-sync/console/{path}"

    def await_console(self) -> None:
        """The first request opens it, which takes as long as it takes."""
        end = time.monotonic() + PATIENCE
        while httpx.get(self.address(), timeout=60, trust_env=False).status_code == 503:
            assert time.monotonic() < end, "the console does not open"
            time.sleep(0.5)

    def settled(self, dag_id: str, known: set[str]) -> Any:
        """Wait for a run that is not known yet, and for its end."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for run in self.runs(dag_id):
                if run["dag_run_id"] not in known and run["state"] in ("success", "failed"):
                    return run
            time.sleep(0.5)
        raise TimeoutError(f"no new run of {dag_id} ended within {PATIENCE:.0f} s")

    def runs(self, dag_id: str) -> list[Any]:
        found: list[Any] = self.api.get(f"/dags/{dag_id}/dagRuns", order_by="-run_after", limit=50)[
            "dag_runs"
        ]
        return found

    def known(self, dag_id: str) -> set[str]:
        return {run["dag_run_id"] for run in self.runs(dag_id)}


@pytest.fixture(scope="module")
def stage(
    postgres: EmbeddedPostgres, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("console")
    for name, template in (("console_airflow", None), ("console_ledger", ledger_template)):
        postgres.create_database(name, template=template)
    url = postgres.url("console_ledger")
    with (
        world_of(load_shop(SAMPLE_SHOP), url, folder / "scenario") as world,
        LocalAirflow(
            project=airflow_home.PROJECT,
            home=folder / "airflow",
            database_url=postgres.url("console_airflow", "psycopg2"),
            extra_env=environment(world, url, folder),
            parallelism=4,
        ) as airflow,
        airflow.api() as api,
    ):
        api.put_pool("commercetools_api", 4)
        api.put_pool("lightspeed_api", 2)
        api.wait_for_dags("products", "inventory", "reconcile", timeout=PATIENCE)
        for dag_id in ("products", "inventory", "reconcile"):
            api.unpause(dag_id)
        for dag_id in ("products", "inventory"):
            assert (
                api.wait(dag_id, api.trigger(dag_id, {"mode": "full"}), timeout=PATIENCE).state == "success"
            )
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
            )
            stage = Stage(world, airflow, api, browser)
            stage.await_console()
            yield stage
            browser.close()


def picture(page: Any, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize("path", PAGES)
def test_who_is_not_signed_in_gets_nothing(stage: Stage, path: str) -> None:
    answer = httpx.get(stage.address(path), timeout=60, trust_env=False)
    assert answer.status_code == 401
    assert "TEE" not in answer.text


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_both_themes_and_a_phone(stage: Stage, path: str, theme: Any) -> None:
    page = stage.sign_in("viewer", color_scheme=theme, viewport={"width": 1280, "height": 900})
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if message.type == "error" else None)
    assert page.goto(stage.address(path)).status == 200
    assert page.locator("h1").count() == 1
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    picture(page, f"{path or 'overview'}-{theme}")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a phone scrolls downwards only"
    picture(page, f"{path or 'overview'}-{theme}-phone")
    assert broken == [], "nothing is blocked by the policy"
    page.context.close()


def test_the_console_is_a_page_of_airflows_own(stage: Stage) -> None:
    page = stage.sign_in("admin", viewport={"width": 1400, "height": 900})
    page.goto(f"{stage.airflow.url}/plugin/retail-sync")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Overview").wait_for()
    picture(page, "in-airflow")
    page.context.close()


def bad_barcode(world: World) -> Hold:
    return next(one for one in world.ledger.holds.open_holds("products") if one.code == "barcode_duplicate")


def test_a_bad_barcode_is_found_mended_and_released(stage: Stage) -> None:
    """As a new user would: overview, the reason, the record, mend it at the till, retry."""
    page = stage.sign_in("admin", viewport={"width": 1280, "height": 900})
    page.goto(stage.address())
    page.get_by_role("link", name=re.compile("barcode_duplicate")).first.click()
    held = bad_barcode(stage.world)
    page.locator(f'a[href$="/holds/{held.id}"]').click()
    picture(page, "hold")
    mend(stage.world, held)
    known = stage.known("products")
    page.get_by_role("button", name="Retry now").click()
    page.get_by_text("tried again now").wait_for()
    assert stage.settled("products", known)["state"] == "success"
    page.reload()
    page.get_by_text("Released").first.wait_for()
    assert held.id not in {one.id for one in stage.world.ledger.holds.open_holds("products")}
    page.context.close()


def mend(world: World, held: Hold) -> None:
    """Whoever has the wrong barcode loses it, at the till or online."""
    system, _, record = held.subject.partition(":")
    if system == "lightspeed":
        row = world.till.products.rows[record]
        world.till.edit_product(record, codes=[{"type": "CUSTOM", "code": row.sku}])
        return
    product, _, number = record.partition(":")
    found = world.online.get("products", id=product)
    assert found is not None
    attribute = next(
        setting.commercetools.removeprefix("attribute:")
        for name, setting in world.settings.products.fields.items()
        if name == "barcodes" and setting.commercetools
    )
    action = {"action": "setAttribute", "variantId": int(number or 1), "name": attribute, "staged": False}
    world.online.update("products", [action], id=product)


def test_why_the_storefront_shows_its_figure_is_told(stage: Stage) -> None:
    sku = linked_sku(stage.world)
    shows = Stocked(stage.world).available(sku, "berlin")
    page = stage.sign_in("viewer", viewport={"width": 1280, "height": 1000})
    page.goto(stage.address())
    page.get_by_role("link", name="Stock", exact=True).click()
    page.locator('input[name="sku"]').first.fill(sku)
    page.keyboard.press("Enter")
    page.get_by_text(f"shows {shows} in berlin").first.wait_for()
    picture(page, "stock-explained")
    page.context.close()


def test_a_full_run_is_previewed_and_exactly_that_is_applied(stage: Stage) -> None:
    sku = linked_sku(stage.world)
    row = stage.world.till_product(sku)
    product, _ = stage.world.online_variant(sku)
    names = {**product["masterData"]["current"]["name"], "de-DE": "Previewed"}
    action = {"action": "changeName", "name": names, "staged": False}
    stage.world.online.update("products", [action], id=product["id"])
    dry = stage.api.trigger("products", {"mode": "full", "dry_run": True})
    assert stage.api.wait("products", dry, timeout=PATIENCE).state == "success"
    assert stage.world.till_product(sku)["name"] == row["name"]
    page = stage.sign_in("admin", viewport={"width": 1280, "height": 1000})
    page.goto(stage.address("runs"))
    page.get_by_role("row").filter(has_text="dry run").first.get_by_role("link").first.click()
    page.get_by_text("Previewed").first.wait_for()
    picture(page, "plan")
    known = stage.known("products")
    page.get_by_role("button", name=re.compile("[Aa]pply exactly")).click()
    assert stage.settled("products", known)["state"] == "success"
    assert "Previewed" in str(stage.world.till_product(sku)["name"])
    page.context.close()


def test_a_viewer_is_shown_no_button_and_refused_by_the_server(stage: Stage) -> None:
    page = stage.sign_in("viewer")
    page.goto(stage.address("holds"))
    assert page.get_by_role("button", name="Retry now").count() == 0
    hold = stage.world.ledger.holds.open_holds("products")[0]
    known = stage.known("products")
    token = stage.sign_in("admin").request.get(stage.address("holds")).text()
    form_token = re.search(r'name="form_token" value="([^"]+)"', token)
    assert form_token is not None
    answer = page.request.post(
        stage.address("holds"),
        form={"do": "retry", "hold": f"{hold.id}:{hold.fingerprint}", "form_token": form_token[1]},
    )
    assert answer.status == 403
    assert stage.known("products") == known
    page.context.close()


def test_a_products_name_never_becomes_markup(stage: Stage) -> None:
    sku = linked_sku(stage.world)
    evil = '"><img src=x onerror="document.title=1">'
    stage.world.till.edit_product(stage.world.till_product(sku)["id"], name=f"Evil {evil}")
    run = stage.api.trigger("products", {"mode": "full", "dry_run": True})
    assert stage.api.wait("products", run, timeout=PATIENCE).state == "success"
    page = stage.sign_in("admin")
    for path in ("runs", f"search?text={sku}", f"stock?sku={sku}", "drift", ""):
        page.goto(stage.address(path))
        assert page.locator("img").count() == 0
        assert page.title() != "1"
    page.goto(stage.address(f"runs/of/products/{run}"))
    assert page.locator("img").count() == 0
    page.context.close()
