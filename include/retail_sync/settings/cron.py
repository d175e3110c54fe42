"""What a schedule may be."""

from __future__ import annotations

from croniter import croniter

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
"""Words that Airflow's cron timetable knows."""


def is_schedule(text: str) -> bool:
    """Five cron fields whose values exist, or one of Airflow's words."""
    return text in PRESETS or (len(text.split()) == 5 and croniter.is_valid(text))
