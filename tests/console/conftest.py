"""The console with an empty ledger, and a browser where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.sandbox import settings_of_shop
from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from sandbox.shop import SAMPLE_SHOP, load_shop
from sandbox.shop.config import default_config
from tests.support.console_app import House, house_of

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="session")
def sample_settings() -> SyncSettings:
    found = default_config(load_shop(SAMPLE_SHOP))
    return SyncSettings.model_validate(settings_of_shop(found, with_orders=True))


@pytest.fixture
def house(ledger_url: str, sample_settings: SyncSettings, tmp_path: Path) -> Iterator[House]:
    """The console of a shop that has never synced."""
    with Ledger.open(ledger_url) as ledger, house_of(ledger, sample_settings, tmp_path) as made:
        yield made


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium; tests that need one are skipped where there is none. Not longer than a test: while it is
    open, its event loop runs in this thread, where runs of the engine need theirs."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
        )
        yield opened
        opened.close()
