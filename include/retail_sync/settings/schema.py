"""The JSON Schema of the configuration file, for editors. `python -m retail_sync.settings.schema` writes it."""

from __future__ import annotations

import json
import sys
from typing import Any

from retail_sync.settings.location import SCHEMA_PATH
from retail_sync.settings.models import SyncSettings


def schema_text() -> str:
    """The schema as it is committed."""
    schema: dict[str, Any] = SyncSettings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(_without_titles(schema), indent=2, ensure_ascii=False) + "\n"


def _without_titles(node: Any) -> Any:
    """pydantic adds a title to each property that only repeats its name; and docstrings keep their line breaks."""
    if isinstance(node, list):
        return [_without_titles(item) for item in node]
    if not isinstance(node, dict):
        return node
    cleaned = {
        key: _without_titles(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }
    if isinstance(cleaned.get("description"), str):
        cleaned["description"] = " ".join(cleaned["description"].split())
    return cleaned


def main() -> int:
    SCHEMA_PATH.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"wrote {SCHEMA_PATH}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
