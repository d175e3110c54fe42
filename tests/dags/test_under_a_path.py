"""Airflow under a path, as behind a proxy that other programs share: no address of ours leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import tests.support.airflow_home as airflow_home
from demo.airflow import LocalAirflow
from demo.airflow_api import AirflowApi
from demo.postgres import EmbeddedPostgres
from sandbox.shop import SAMPLE_SHOP, load_shop
from tests.console.conftest import CHROMIUM
from tests.dags.conftest import environment
from tests.dags.test_console import Stage
from tests.support.worlds import world_of

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]

BASE = "/airflow"
PATIENCE = 300.0


@pytest.fixture(scope="module")
def stage(
    postgres: EmbeddedPostgres, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("under_a_path")
    for name, template in (("path_airflow", None), ("path_ledger", ledger_template)):
        postgres.create_database(name, template=template)
    url = postgres.url("path_ledger")
    with (
        world_of(load_shop(SAMPLE_SHOP), url, folder / "scenario") as world,
        LocalAirflow(
            project=airflow_home.PROJECT,
            home=folder / "airflow",
            database_url=postgres.url("path_airflow", "psycopg2"),
            extra_env=environment(world, url, folder),
            parallelism=2,
            path=BASE,
        ) as airflow,
        airflow.api() as api,
        sync_playwright() as playwright,
    ):
        api.wait_for_dags("reconcile", "forget", timeout=PATIENCE)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
        )
        stage = Stage(world, airflow, api, browser)
        stage.await_console()
        yield stage
        browser.close()


@pytest.fixture
def page(stage: Stage) -> Iterator[Any]:
    """A browser whose every request stays under the path, and is answered."""
    opened = stage.sign_in("admin", viewport={"width": 1400, "height": 900})
    strayed: list[str] = []

    def look(response: Any) -> None:
        if not response.url.startswith("http"):
            return  # what a page made itself, such as a blob
        path = httpx.URL(response.url).path
        if response.status >= 400 or not path.startswith(f"{BASE}/"):
            strayed.append(f"{response.status} {path}")

    opened.on("response", look)
    yield opened
    opened.context.close()
    assert [one for one in strayed if "retail-sync" in one or BASE not in one] == []


def test_the_console_its_icon_and_its_links_are_under_the_path(stage: Stage, page: Any) -> None:
    page.goto(f"{stage.airflow.url}/plugin/retail-sync")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Overview").wait_for()
    assert page.locator(f'img[src^="{BASE}/retail-sync/console/static/icon"]').count() >= 1
    frame.get_by_role("link", name="Holds", exact=True).click()
    frame.get_by_role("heading", name="Holds").wait_for()
    frame.get_by_role("link", name="Overview", exact=True).click()
    frame.get_by_role("link", name="preflight").click()
    page.wait_for_url(f"**{BASE}/dags/preflight**")


def test_a_form_and_the_page_after_it_stay_under_the_path(stage: Stage, page: Any) -> None:
    stage.api.unpause("reconcile")
    page.goto(stage.address("drift"))
    page.get_by_role("button", name=re.compile("[Rr]econcile")).first.click()
    page.get_by_text("was started").wait_for()
    assert httpx.URL(page.url).path == f"{BASE}/retail-sync/console/drift"


def test_a_runs_own_view_is_under_the_path_and_its_note_says_why_it_failed(stage: Stage, page: Any) -> None:
    stage.api.unpause("forget")
    run = stage.api.trigger("forget", {"keys": ["nobody-at-all"]})
    assert stage.api.wait("forget", run, timeout=PATIENCE).state == "failed"
    noted = stage.api.get(f"/dags/forget/dagRuns/{run}")["note"]
    assert "The ledger knows nobody by these keys" in str(noted)
    page.goto(f"{stage.airflow.url}/dags/forget/runs/{run}/plugin/retail-sync-run")
    page.frame_locator("iframe").get_by_text("Run").first.wait_for()


def test_the_receiver_answers_under_the_path(stage: Stage) -> None:
    hooks = f"{stage.airflow.url}/retail-sync/hooks"
    answer = httpx.post(
        f"{hooks}/lightspeed/main/inventory.update", content=b"payload=1", timeout=60, trust_env=False
    )
    assert (answer.status_code, answer.content) == (401, b"")
    assert httpx.post(f"{hooks}/nowhere", timeout=60, trust_env=False).status_code == 404


def test_a_client_of_the_api_works_under_the_path(stage: Stage) -> None:
    with AirflowApi(stage.airflow.url, "viewer", stage.airflow.passwords["viewer"]) as api:
        assert "products" in api.dag_ids()


def test_airflows_processes_log_no_secret_and_no_failure_of_the_plugin(stage: Stage) -> None:
    log = Path(stage.airflow.log_folder / "api-server.log").read_text()
    assert "can't start" not in log
