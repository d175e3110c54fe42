"""Staging in an object store: moto's S3 over HTTP, opened by Airflow's amazon provider as in production."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow.sdk import RetryAction
from airflow.sdk.io import store as airflow_stores
from fsspec.asyn import AsyncFileSystem
from moto.server import ThreadedMotoServer

import tests.support.airflow_home as airflow_home
from retail_sync.pipeline.dags.retention import clean_staging
from retail_sync.pipeline.dags.retry_policy import SyncRetries
from retail_sync.pipeline.runtime.context import STAGING_FOLDER, staging_root
from retail_sync.pipeline.tasks import preflight as checking
from retail_sync.records.errors import ConfigurationFault, StagedDataDamaged
from retail_sync.sync.engine.staging import Staging
from retail_sync.sync.engine.stores import Objects, store_of
from tests.pipeline.aligned import ORDER, aligned
from tests.pipeline.tasks import Tasks
from tests.support.builders.orders import Ordered
from tests.sync.kept import Kept

pytestmark = pytest.mark.airflow
HOME = airflow_home.HOME
BUCKET = "shop-staging"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of an S3 that has one bucket; the environment leads everybody to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
            ("AWS_ACCESS_KEY_ID", "testing"),
            ("AWS_SECRET_ACCESS_KEY", "testing"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("RETAIL_SYNC_STAGING", f"s3://{BUCKET}/x"),
        ):
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        forget_open_stores()
        yield client
        forget_open_stores()
    server.stop()


def forget_open_stores() -> None:
    airflow_stores._STORE_CACHE.clear()
    AsyncFileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def shop(module_ledger_url: str, tmp_path_factory: pytest.TempPathFactory, s3: Any) -> Iterator[Ordered]:
    folder = tmp_path_factory.mktemp("object-store")
    with aligned(module_ledger_url, folder, ORDER, staging=f"s3://{BUCKET}/x") as made:
        yield made


def objects(s3: Any) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [one["Key"] for page in pages for one in page.get("Contents", [])]


def test_a11_every_entity_runs_from_extract_to_audit_with_its_staging_in_s3(shop: Ordered, s3: Any) -> None:
    staged = objects(s3)
    assert all(name.startswith(f"x/{STAGING_FOLDER}/") for name in staged)
    for entity in ORDER:
        assert [name for name in staged if f"/{entity}-manual" in name and name.endswith("plan.json.gz")]
    shop.world.forget_requests()
    quiet = Tasks("products").all()
    assert (quiet["accounts"]["changes"], shop.world.writes()) == (0, [])


def test_a2_an_object_that_is_not_as_it_was_written_is_read_again(shop: Ordered, s3: Any) -> None:
    shop.world.forget_requests()
    run = Tasks("products")
    run.extract()
    number = run.run_id.partition(":")[0]
    pages = [name for name in objects(s3) if number in name and "page-" in name]
    assert pages
    for name in pages:
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"")
    with pytest.raises(StagedDataDamaged):
        run.transform()
    run.transform()
    run.plan()
    run.load()
    assert run.audit()["accounts"]["changes"] == 0
    assert shop.world.writes() == []


@pytest.fixture
def own(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place of this test's own."""
    monkeypatch.setenv("RETAIL_SYNC_STAGING", f"s3://{BUCKET}/own")


def test_preflight_writes_reads_lists_and_clears_and_leaves_nothing(own: None, s3: Any) -> None:
    assert "written, read, listed and cleared (an object store)" in checking._staging()
    assert [name for name in objects(s3) if name.startswith("own/")] == []


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a11_a_misspelt_bucket_is_a_fault_of_the_configuration_and_is_not_made(
    s3: Any, monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.setenv("RETAIL_SYNC_STAGING", "s3://shop-stagign/x")
    forget_open_stores()
    with pytest.raises(ConfigurationFault, match="does not exist") as told:
        checking._staging()
    assert "RETAIL_SYNC_STAGING" in told.value.remedy
    with pytest.raises(ConfigurationFault, match="does not exist") as told:
        Staging(staging_root(), "products/1", Kept()).write_page("lightspeed", 0, [{"id": 1}])
    assert SyncRetries().evaluate(told.value, 1, 5).action is RetryAction.FAIL
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == [BUCKET]
    forget_open_stores()


def test_a_misspelt_connection_does_not_fall_back_to_the_workers_credentials(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETAIL_SYNC_STAGING", f"s3://storr@{BUCKET}/x")
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps({"conn_type": "aws"}))
    with pytest.raises(ConfigurationFault, match="connection 'storr'"):
        staging_root()


def test_housekeeping_clears_old_runs_of_an_object_store_and_only_ours(
    own: None, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sync.yaml").write_text("version: 1\nretention: {staging_days: 3}\n")
    monkeypatch.setenv("RETAIL_SYNC_CONFIG", str(tmp_path / "sync.yaml"))
    s3.put_object(Bucket=BUCKET, Key="own/somebody-elses", Body=b"")
    for run in ("products/1", "orders/1"):
        Staging(staging_root(), run, Kept()).write_document("plan", {})
    assert clean_staging(datetime.now(UTC) + timedelta(days=2)) == {"removed": 0, "kept": 2}
    assert clean_staging(datetime.now(UTC) + timedelta(days=4)) == {"removed": 2, "kept": 0}
    assert [name for name in objects(s3) if name.startswith("own/")] == ["own/somebody-elses"]


def test_an_object_store_is_listed_once_however_many_files_it_has(own: None, s3: Any) -> None:
    staging = Staging(staging_root(), "products/many", Kept())
    for number in range(5):
        staging.write_page("lightspeed", number, [{"id": number}])
    store = store_of(staging_root())
    assert isinstance(store, Objects)
    asked: list[str] = []
    store.fs.s3.meta.events.register("before-send.s3", lambda request, **_: asked.append(request.method))
    assert list(store.runs()) == [staging.folder]
    assert asked.count("HEAD") == 0 and len(asked) <= 2
