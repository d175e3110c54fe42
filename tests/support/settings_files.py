"""Configuration files for tests."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from retail_sync.settings.loader import parse_settings
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.problems import SettingsError


def dump_settings(settings: SyncSettings | Mapping[str, Any], path: Path) -> SyncSettings:
    """Write settings as a configuration file and give back what it says. Raises SettingsError, and writes nothing,
    where they would not load again."""
    data = (
        settings.model_dump(mode="json", exclude_defaults=True)
        if isinstance(settings, SyncSettings)
        else settings
    )
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_unicode = True
    draft = StringIO()
    yaml.dump(_plain(data), draft)
    loaded = parse_settings(draft.getvalue(), name=path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(draft.getvalue(), encoding="utf-8")
    return loaded


def _plain(value: Any) -> Any:
    """Only what YAML has: tuples become lists, mappings dictionaries."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value


def refused(text: str) -> str:
    """What is said of a configuration that can't be used."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    return str(caught.value)
