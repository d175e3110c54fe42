"""What tasks say in their logs: small tables a person can read."""

from __future__ import annotations

import logging

log = logging.getLogger("retail_sync")


def say(*lines: str) -> None:
    """One log line each."""
    for line in lines:
        log.info("%s", line)
