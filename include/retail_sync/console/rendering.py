"""Pages from templates: everything is escaped, nothing is loaded from elsewhere, nothing inline runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from retail_sync.console import vocabulary

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def environment() -> Environment:
    """Templates of the console with the words of `retail_sync.console.vocabulary` as filters."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": vocabulary.when,
        "ago": vocabulary.ago,
        "lasting": vocabulary.lasting,
        "number": vocabulary.number,
        "plain": vocabulary.plain,
        "linked": vocabulary.linked,
        "entity": vocabulary.entity_title,
        "system": vocabulary.system_title,
        "outcome": lambda code: vocabulary.OUTCOME_TITLES.get(code, code),
        "outcome_tone": lambda code: vocabulary.OUTCOME_TONES.get(code, "plain"),
        "run_tone": lambda state: vocabulary.RUN_TONES.get(state, "plain"),
    }
    return made


TEMPLATES = environment()


def page(template: str, context: Mapping[str, Any], status: int = 200) -> Response:
    return HTMLResponse(TEMPLATES.get_template(template).render(context), status_code=status, headers=HEADERS)
