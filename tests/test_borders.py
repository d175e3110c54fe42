"""Borders that imports alone don't show."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LIGHTSPEED = ROOT / "include" / "retail_sync" / "lightspeed"


def test_no_file_outside_lightspeeds_package_names_a_series() -> None:
    """Neither code nor comments, texts, templates or settings: the registry says what differs between series."""
    files = [
        path
        for folder in ("include/retail_sync", "dags", "plugins")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html", ".js", ".json", ".yaml", ".mako"}
        and not path.is_relative_to(LIGHTSPEED)
    ]
    assert len(files) > 300
    named = {
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in files
        if (found := re.search(r"\b[xr][-_. ]?series", path.read_text(encoding="utf-8"), re.IGNORECASE))
    }
    assert sorted(named) == []
