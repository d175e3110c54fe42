"""Reading the configuration file."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from retail_sync.records.types import canonical_json
from retail_sync.settings.document import Document, Problem, read_document
from retail_sync.settings.location import CONFIG_VARIABLE, settings_path
from retail_sync.settings.models import SyncSettings
from retail_sync.settings.problems import SettingsError, problems_of
from retail_sync.settings.validation.contradictions import cross_check
from retail_sync.settings.validation.unread import Unread

_cache: dict[Path, tuple[tuple[int, int], SyncSettings]] = {}


def load_settings(path: Path | None = None) -> SyncSettings:
    """The settings in `path` (default: `settings_path()`); read again only when the file changed.

    Raises SettingsError with every problem of the file at once.
    """
    source = (path or settings_path()).absolute()
    try:
        state = source.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        if source in _cache and _cache[source][0] == stamp:
            return _cache[source][1]
        text = source.read_text(encoding="utf-8")
    except OSError as fault:
        problem = Problem(
            (),
            f"The configuration file can't be read ({fault.strerror}): {source}.",
            f"Put it there, or set {CONFIG_VARIABLE} to the file you mean.",
        )
        raise SettingsError(source.name, [problem]) from fault
    except UnicodeDecodeError as fault:
        problem = Problem((), f"The configuration file is not UTF-8 text: {source}.", "Save it as UTF-8.")
        raise SettingsError(source.name, [problem]) from fault
    settings = parse_settings(text, name=source.name)
    _cache[source] = (stamp, settings)
    return settings


def parse_settings(text: str, *, name: str = "sync.yaml") -> SyncSettings:
    """The settings in a YAML text. Raises SettingsError; `name` is the file its sentences speak of."""
    document = read_document(text)
    settings, problems = _checked(document)
    if settings is None or problems:
        raise SettingsError(name, problems)
    return settings


def digest_of(settings: SyncSettings) -> str:
    """What tells two configurations apart, short enough to read out: comments, layout and spelt-out defaults do not
    count."""
    said = canonical_json(settings.model_dump(mode="json", exclude_defaults=True))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _checked(document: Document) -> tuple[SyncSettings | None, list[Problem]]:
    problems = list(document.problems)
    if not isinstance(document.data, dict):
        wrong = Problem(
            (),
            "The file holds no settings.",
            "Begin with lines such as `shop:`; see docs/configuration.md.",
            1,
        )
        return None, [*problems, wrong]
    settings, misread, unread = _validated(document)
    problems += misread
    if settings is None:
        return None, problems
    found = (one for one in cross_check(settings) if not unread.concerns(one))
    return settings, [*problems, *(replace(one, line=document.line(one.loc)) for one in found)]


def _validated(document: Document) -> tuple[SyncSettings | None, list[Problem], Unread]:
    """The settings without what is wrong with single ones, so that those that contradict each other are found in the
    same go; with the problems, and what was left out for them."""
    problems: list[Problem] = []
    unread = Unread(document.data)
    while True:
        try:
            return SyncSettings.model_validate(unread.rest), problems, unread
        except ValidationError as error:
            # What is missing only because something in it was left out is no finding.
            problems = problems or problems_of(error, document, SyncSettings)
            if not unread.leave_out([found["loc"] for found in error.errors(include_url=False)]):
                return None, problems, unread
