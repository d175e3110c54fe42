"""The adapters that the suites are about. A further one joins here: with its feeds, and with what it writes."""

from __future__ import annotations

import pytest

from tests.contracts import commercetools_readers, lightspeed_readers

ADAPTERS = {"commercetools": commercetools_readers.READERS, "x_series": lightspeed_readers.READERS}
EVERY_READER = [
    pytest.param(opened, id=f"{adapter}-{opened.__name__}")
    for adapter, readers in ADAPTERS.items()
    for opened in readers
]
