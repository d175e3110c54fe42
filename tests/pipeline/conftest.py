"""Airflow's settings come before anything that imports Airflow."""

from __future__ import annotations

import tests.support.airflow_home as airflow_home

HOME = airflow_home.HOME
