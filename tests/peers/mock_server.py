"""`@labdigital/commercetools-mock` as a child process on this machine, or a sentence that says why it can't run."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from demo.processes import LOOPBACK, Child, free_port, spawn

PROJECT = Path(__file__).parents[2]
SERVER = PROJECT.parent / "shared" / "tools" / "commercetools-mock" / "server_shim.mjs"
"""The mock with the gaps closed that a sync would fall into (sorting, limits, uniqueness, versions)."""
AS_ANSWERED = Path(__file__).with_name("as_answered.mjs")
"""Two more gaps, closed before the server starts."""
PACKAGE = "@labdigital/commercetools-mock"
START_SECONDS = 60.0


class Absent(Exception):
    """Something the mock needs is not on this machine; the message names it and the way to get it."""


def node_modules() -> Path:
    """The folder that holds the npm package: below `COMMERCETOOLS_MOCK_DIR`, which `make` and `.ci/run` set."""
    folder = Path(os.environ.get("COMMERCETOOLS_MOCK_DIR") or PROJECT / ".runtime/node/commercetools-mock")
    if shutil.which("node") is None:
        raise Absent("Node is not installed, so commercetools-mock can't run.")
    if not (folder / "node_modules" / PACKAGE).is_dir():
        raise Absent(
            f"{PACKAGE} is not in {folder}: run .ci/run, or npm install it elsewhere and name that folder in "
            "COMMERCETOOLS_MOCK_DIR."
        )
    if not SERVER.is_file():
        raise Absent(f"The server around commercetools-mock is not at {SERVER}, beside this checkout.")
    return (folder / "node_modules").resolve()


@contextmanager
def mock_server(scratch: Path) -> Iterator[str]:
    """The address of a running mock. Any project key is a new, empty project in it. Raises Absent.

    Node looks for a module's packages beside the module's own file, so the server runs from a scratch folder in
    which its packages are at hand.
    """
    packages = node_modules()
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "node_modules").symlink_to(packages, target_is_directory=True)
    first, program = (Path(shutil.copy(module, scratch)) for module in (AS_ANSWERED, SERVER))
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    child = spawn(
        "commercetools-mock",
        ["node", "--import", first.as_uri(), str(program)],
        log=scratch / "server.log",
        env={**os.environ, "PORT": str(port), "STRICT": "1"},
        cwd=scratch,
    )
    try:
        _wait_until_up(child, url)
        yield url
    finally:
        child.stop(grace=5)


def _wait_until_up(child: Child, url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if not child.alive():
            break
        try:
            httpx.get(f"{url}/_admin/stats", timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise RuntimeError(f"commercetools-mock did not start; it said:\n{child.log_tail()}")
