"""What a DAG file has to know while it is parsed: when it runs, and when its data counts as old (with
`pipeline.runtime.schedules`, which reads no other section)."""

from __future__ import annotations

from croniter import croniter
from pydantic import Field, field_validator

from retail_sync.settings.models.base import Settings

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
"""Words that Airflow's cron timetable knows."""


class Notify(Settings):
    """Who is told. Connections are Airflow connections of type `http` and `smtp`; empty = nobody."""

    http_conn_id: str | None = None
    """A chat webhook; gets a JSON body with `text`."""
    http_endpoint: str = ""
    """Path below the host of that connection."""
    smtp_conn_id: str | None = None
    """A mail server."""
    mail_to: tuple[str, ...] = ()
    """Addresses that get the mails."""
    mail_from: str | None = None
    """Sender; empty = the one of the connection."""
    holds_above: int = Field(default=25, ge=0)
    """Tell when a run ends with more open holds than this."""
    data_older_than_minutes: int = Field(default=180, ge=1)
    """Tell when an entity had no successful run for this long."""


class Schedules(Settings):
    """When each DAG runs by itself: five cron fields (UTC) or a word such as `@daily`; null = only by hand."""

    products: str | None = "0 * * * *"
    """Changes of products, both ways. A missed slot loses nothing."""
    prices: str | None = "10 * * * *"
    """Prices, after products."""
    inventory: str | None = "15 * * * *"
    """Stock. Runs at once, too, when its doorbell rings."""
    customers: str | None = "20 * * * *"
    """Customers, both ways."""
    orders: str | None = "*/10 * * * *"
    """Web orders to the till. Runs at once, too, when its doorbell rings."""
    sales: str | None = "40 * * * *"
    """In-store sales to online profiles."""
    reconcile: str | None = "30 3 * * 0"
    """Both sides in full, as a report."""
    housekeeping: str | None = "15 2 * * *"
    """Deletes what retention no longer keeps."""
    preflight: str | None = None
    """Connections, scopes and every mapping."""
    subscribe: str | None = "50 4 * * *"
    """Webhooks and subscriptions, checked and repaired."""

    @field_validator("*")
    @classmethod
    def _is_schedule(cls, text: str | None) -> str | None:
        """Five cron fields whose values exist, or one of Airflow's words."""
        fields = text is not None and len(text.split()) == 5 and croniter.is_valid(text)
        if text is None or text in PRESETS or fields:
            return text
        raise ValueError(
            f"{text!r} is not a schedule; "
            'Write five fields as in "0 * * * *", a word such as "@daily", or null for none'
        )
