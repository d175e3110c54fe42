"""Which file is the configuration, and what ships beside it. Light: a DAG file reads it while it is parsed."""

from __future__ import annotations

import os
from pathlib import Path

CONFIG_VARIABLE = "RETAIL_SYNC_CONFIG"


SAMPLE_PATH = Path(__file__).with_name("sync.yaml")
"""The sample shop's file: to copy from. Nothing reads it unless it is named."""


SCHEMA_PATH = Path(__file__).with_name("sync.schema.json")


def settings_path() -> Path:
    """The file `RETAIL_SYNC_CONFIG` names. Raises SettingsError where it is not set: another shop's mapping is never
    taken instead."""
    named = os.environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    from retail_sync.settings.document import Problem
    from retail_sync.settings.problems import SettingsError

    problem = Problem(
        (),
        f"{CONFIG_VARIABLE} is not set, so it is not known what syncs here, and how.",
        f"Set {CONFIG_VARIABLE} to your configuration file for every Airflow component; to begin with, copy "
        f"{SAMPLE_PATH}.",
    )
    raise SettingsError("configuration", [problem])
