"""The adapters that the suites are about. A further one joins here: with its feeds, and with what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from tests.contracts import (
    commercetools_readers,
    commercetools_writers,
    lightspeed_readers,
    lightspeed_writers,
)

ADAPTERS = {"commercetools": commercetools_readers.READERS, "x_series": lightspeed_readers.READERS}
WRITING = {"commercetools": commercetools_writers.WRITERS, "x_series": lightspeed_writers.WRITERS}


def _each(adapters: Mapping[str, Iterable[Callable[..., Any]]]) -> list[Any]:
    return [
        pytest.param(opened, id=f"{adapter}-{opened.__name__}")
        for adapter, those in adapters.items()
        for opened in those
    ]


EVERY_READER, EVERY_WRITER = _each(ADAPTERS), _each(WRITING)
