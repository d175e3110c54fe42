"""The sample shop in both stand-ins with all six entities set up and aligned, for tests of an entity's tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from demo.sandbox import settings_of_shop
from retail_sync.pipeline.runtime.entities import ENTITIES
from retail_sync.settings.models import SyncSettings
from sandbox.shop import SAMPLE_SHOP, load_shop
from sandbox.shop.config import default_config
from tests.dags.conftest import environment
from tests.pipeline.tasks import Tasks
from tests.support.builders.orders import Ordered, ordered_from
from tests.support.runs import KEY

ALL = tuple(one.id for one in ENTITIES)
ORDER = ("products", "prices", "inventory", "customers", "orders", "sales", "inventory")
"""Inventory once more after orders: what is exported settles."""


@contextmanager
def aligned(
    ledger_url: str, folder: Path, entities: Sequence[str] = (), staging: str = ""
) -> Iterator[Ordered]:
    """These entities are aligned, in this order. The environment leads Airflow's tasks to it; staged is below
    `folder / "staging"`, or at the URL `staging`."""
    sample = load_shop(SAMPLE_SHOP)
    with ordered_from(sample, ledger_url, folder / "scenario") as made, pytest.MonkeyPatch.context() as patch:
        found = settings_of_shop(default_config(sample), with_orders=True)
        made.world.settings = SyncSettings.model_validate(found)
        for name, value in environment(made.world, ledger_url, folder).items():
            patch.setenv(name, value)
        patch.setenv("RETAIL_SYNC_SECRET_KEY", KEY)
        if staging:
            patch.setenv("RETAIL_SYNC_STAGING", staging)
        for entity in entities:
            assert Tasks(entity).all()["accounts_add_up"], entity
        yield made
