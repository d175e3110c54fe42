"""How fast the systems are asked, and in which portions; and how long what is kept back or kept at all stays."""

from __future__ import annotations

from pydantic import Field

from retail_sync.settings.models.base import Settings


class CommercetoolsLimits(Settings):
    """How commercetools is read and written."""

    page_size: int = Field(default=500, ge=1, le=500)
    """Rows asked for at once; 500 is the most the API gives."""
    overlap_seconds: int = Field(default=300, ge=120)
    """How far a delta looks back behind its cursor: rows can become visible late."""
    trail_seconds: int = Field(default=60, ge=0)
    """How far a window stays behind the server's clock."""
    concurrency: int = Field(default=6, ge=1, le=32)
    """Requests under way at once; adapts downwards when the API is busy."""
    timeout_seconds: float = Field(default=60, gt=0, le=60)
    """Longest wait for one answer; the API itself gives up after 60."""
    answer_megabytes: int = Field(default=32, ge=1, le=1024)
    """Largest answer that is taken, unpacked; of a list that is longer, half as many rows are asked for. While it is
    read, a task needs up to twenty times as much memory."""
    retries: int = Field(default=4, ge=0)
    """Repeats of one request, where repeating can do no harm."""
    most_asked: int = Field(default=5000, ge=1)
    """How many records a read asks for one by one, by their ids, where its lists do not show what is known. Above it
    the run stops: a list that came short is far more likely than so many deletions."""


class LightspeedLimits(Settings):
    """How Lightspeed is read and written."""

    page_size: int = Field(default=1000, ge=1, le=5000)
    """Undocumented maximum; 1000 is accepted by live stores (inferred)."""
    concurrency: int = Field(default=3, ge=1, le=32)
    """Requests under way at once."""
    budget_share: float = Field(default=0.8, gt=0, le=1)
    """Share of the store's rate limit this package may use; the tills need the rest."""
    timeout_seconds: float = Field(default=60, gt=0)
    """Longest wait for one answer."""
    answer_megabytes: int = Field(default=32, ge=1, le=1024)
    """Largest answer that is taken, unpacked; of a list that is longer, half as many rows are asked for. While it is
    read, a task needs up to twenty times as much memory."""
    retries: int = Field(default=4, ge=0)
    """Repeats of one request, where repeating can do no harm."""
    most_asked: int = Field(default=1000, ge=1)
    """How many records a read asks for one by one, by their ids, where its lists do not show what is known. Above it
    the run stops: a list that came short is far more likely than so many deletions."""


class Limits(Settings):
    """How fast and in which portions; the defaults suit a shop of some ten thousand products."""

    commercetools: CommercetoolsLimits = CommercetoolsLimits()
    """How commercetools is read and written."""
    lightspeed: LightspeedLimits = LightspeedLimits()
    """How Lightspeed is read and written."""
    body_bytes: int = Field(default=16_384, ge=0)
    """Longest request or response body kept in the audit trail."""
    failed_share: float = Field(default=0.2, ge=0, le=1)
    """A run in which more than this share of records fails is itself failed."""
    failed_least: int = Field(default=3, ge=1)
    """Fewer failures than this never fail a run, however small it is: one refused order among two is a hold, and no
    reason to wake anybody."""
    batch_size: int = Field(default=500, ge=1)
    """Products per load task."""


class Holds(Settings):
    """When a record that was kept back is tried again: first soon, then less and less often."""

    first_retry_minutes: int = Field(default=15, ge=1)
    """Minutes until the first new try."""
    longest_retry_hours: int = Field(default=24, ge=1)
    """Hours between tries at most."""


class Retention(Settings):
    """How long the ledger and the staging store keep what is no longer needed."""

    exchanges_days: int = Field(default=14, ge=1)
    """Requests and responses."""
    changes_days: int = Field(default=400, ge=1)
    """The audit trail of changes."""
    inbox_days: int = Field(default=14, ge=1)
    """Webhook and queue events."""
    staging_days: int = Field(default=3, ge=1)
    """Files that tasks hand to each other."""
