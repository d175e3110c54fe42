"""Processes that tests started and did not end.

The test process becomes the subreaper of its descendants (Linux): whoever loses its parent, as the workers of a killed
scheduler do, is handed to it rather than to init, and is found at the end of the session.
"""

from __future__ import annotations

import ctypes
import sys

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_GRACE_SECONDS = 20.0
"""For what was asked to stop and is on its way out."""
_OF_PYTHON = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
"""Helpers that Python's own multiprocessing keeps until its program ends."""


def adopt_orphans() -> None:
    """Make this process the parent of all descendants that lose theirs. Does nothing where the kernel can't."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def left_behind() -> list[str]:
    """Command lines of the descendants that still run after a grace period; they are killed."""
    waiting = [one for one in psutil.Process().children(recursive=True) if not _is_pythons_own(one)]
    _, alive = psutil.wait_procs(waiting, timeout=_GRACE_SECONDS)
    found = [" ".join(_command(one)) or f"process {one.pid}" for one in alive if _runs(one)]
    for one in alive:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    return found


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _is_pythons_own(process: psutil.Process) -> bool:
    return any(name in part for part in _command(process) for name in _OF_PYTHON)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
