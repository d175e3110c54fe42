"""Airflow inside the test process: a home of its own, this project's DAGs, and nothing of the developer's Airflow.

Imported before anything that imports Airflow, which reads its settings once.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[2]
HOME = Path(tempfile.mkdtemp(prefix="retail-sync-airflow-"))

for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
    del os.environ[name]
os.environ.update(
    AIRFLOW_HOME=str(HOME),
    AIRFLOW__CORE__DAGS_FOLDER=str(PROJECT / "dags"),
    AIRFLOW__CORE__PLUGINS_FOLDER=str(PROJECT / "plugins"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
    AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
    # The sample shop's file has to be asked for.
    RETAIL_SYNC_CONFIG=str(PROJECT / "include" / "retail_sync" / "settings" / "sync.yaml"),
)
