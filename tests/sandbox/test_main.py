"""`python -m sandbox` says where it is, answers there, and ends when told to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "sandbox", "--seed", "3"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_it_serves_both_systems_until_it_is_told_to_stop(
    running: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, places = running
    online, till = places["commercetools"], places["lightspeed"]
    token = httpx.post(
        f"{online['auth_url']}/oauth/token",
        data={"grant_type": "client_credentials", "scope": online["scopes"]},
        auth=(online["client_id"], online["client_secret"]),
    ).json()["access_token"]
    authorized = {"Authorization": f"Bearer {token}"}
    page = httpx.get(
        f"{online['url']}/{online['project_key']}/product-projections?limit=1", headers=authorized
    ).json()
    assert page["total"] > 20
    assert page["results"][0]["productType"]["id"]
    outlets = httpx.get(
        f"{till['url']}/api/2.0/outlets", headers={"Authorization": f"Bearer {till['token']}"}
    )
    assert outlets.status_code == 200
    assert outlets.json()["data"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(online["url"])


def test_a_shop_that_is_not_there_ends_it_with_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--shop", str(tmp_path / "none")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "is not a folder" in done.stderr
    assert "Traceback" not in done.stderr
