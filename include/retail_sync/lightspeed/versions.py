"""Which series of Lightspeed Retail this release speaks to, and which versions of their API: read wherever Airflow
shows a connection, so it imports next to nothing."""

from typing import Literal

Series = Literal["x"]
SERIES_TITLES: dict[Series, str] = {"x": "Retail (X-Series)"}
"""What a connection says as `series`, and what that is called."""
DEFAULT_SERIES: Series = "x"
DEFAULT_API_VERSION = "2026-07"
KNOWN_API_VERSIONS = ("2026-01", "2026-04", "2026-07")
"""The date versions that readers and writers are written for. Any other is refused by name: 2026-10 has other product
shapes, and what a later one changes nobody can know. Versions appear each quarter and live for twelve months at least
(versioning strategy)."""
