"""Windows of everything that is read by time: cursors are times of the server, never of this machine."""

from __future__ import annotations

from datetime import datetime, timedelta

from retail_sync.commercetools.api.queries import moment, parse_moment, shifted
from retail_sync.records.ports.products import Window
from retail_sync.settings.models import CommercetoolsLimits


def cursor_at(since: datetime, cursor: str) -> str:
    """The earlier of the two."""
    return moment(min(since, parse_moment(cursor)))


def window_behind(
    server_time: datetime, limits: CommercetoolsLimits, cursor: str | None, *, full: bool
) -> Window:
    """Up to a little behind the server's clock: rows become visible late. A delta looks back over the overlap."""
    upper = moment(server_time - timedelta(seconds=limits.trail_seconds))
    if full or cursor is None:
        return Window(lower=None, upper=upper)
    return Window(lower=min(shifted(cursor, -limits.overlap_seconds), upper), upper=upper)
