"""How much of anything that comes from outside is taken. Nothing here depends on the system that sends it.

What is larger is refused with an error that names the bound, or costs the one record it is in
(`retail_sync.records.odd`). All of these are far above what either system documents or was seen to send.
"""

from __future__ import annotations

from typing import Final

MEGABYTE: Final = 1024 * 1024

MOST_BYTES: Final = 32 * MEGABYTE
"""Of one answer, unpacked, where no setting says otherwise (`limits.*.answer_megabytes`)."""

MOST_DEPTH: Final = 64
"""Objects and lists inside each other. commercetools nests attributes a few levels; expanded references add some."""

MOST_VALUES: Final = 2_000_000
"""Values in one document: memory follows their number, not their length."""

MOST_DIGITS: Final = 64
"""Digits of a number before its point, and behind it, when written out in full: `1e63` is taken, `1e64` is not. Money
of either system has at most 20 digits."""

MOST_COUNT_DIGITS: Final = 9
"""Digits of a count in a header (`X-RateLimit-Limit`)."""

LONGEST_WAIT_SECONDS: Final = 1800.0
"""A longer order to wait is cut to half an hour, for all workers wait with it: then the system is asked again, and may
repeat its order."""

LONGEST_TEXT_FOR_A_DATE: Final = 64
"""Characters of a header that may be a date."""

MARGIN_FOR_SECRETS: Final = 16_384
"""Characters beyond the cap that are looked at for secrets, so that none is shown in half at the cut."""

LONGEST_TOKEN_LIFE_SECONDS: Final = 315_360_000.0
"""Ten years: what a token endpoint says beyond it is a mistake, and no date."""

LAST_EXPIRY: Final = 32_503_680_000.0
"""The year 3000 in seconds since 1970: the latest time at which a token is believed to end."""
