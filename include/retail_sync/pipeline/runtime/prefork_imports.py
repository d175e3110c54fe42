"""What tasks need, imported before they are started.

With the LocalExecutor a task is a process that is forked from the scheduler's; what that has imported, a task need not.
Without this, each task of a run spends its first second on importing.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys

from retail_sync.pipeline.runtime.entities import ENTITIES

VARIABLE = "RETAIL_SYNC_WARM"
"""`0` = import when needed."""
MODULES = (
    "retail_sync.pipeline.tasks.entity",
    "retail_sync.pipeline.runtime.connectors",
    *(f"retail_sync.sync.{one.id}.entity" for one in ENTITIES),
)

log = logging.getLogger(__name__)


def forks_tasks(command: list[str] | None = None) -> bool:
    """Whether this process is one that tasks are forked from."""
    return bool({"scheduler", "standalone"} & set((sys.argv if command is None else command)[1:3]))


def warm() -> None:
    """Import what tasks need. A failure is logged and changes nothing: tasks import for themselves."""
    if os.environ.get(VARIABLE, "1").strip() == "0":
        return
    for module in MODULES:
        try:
            importlib.import_module(module)
        except Exception as problem:
            log.warning("%s can't be imported ahead of its tasks: %s", module, type(problem).__name__)
    gc.collect()
