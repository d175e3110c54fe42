"""From what pydantic finds to sentences that name the line and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from retail_sync.records.errors import ConfigurationFault
from retail_sync.settings.document import Document, Loc, Problem

_Part = str | int
TAGS = ("kind", "type")
"""Settings that say which of several models is meant."""


class SettingsError(ConfigurationFault):
    """The configuration file can't be used. `problems` holds every single one, the message lists them by line."""

    default_remedy = "Correct these lines, then run preflight."

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        if len(self.problems) == 1:
            only = self.problems[0]
            super().__init__(_finding(name, only), remedy=only.remedy)
        else:
            lines = "\n".join(sentence(name, problem) for problem in self.problems)
            super().__init__(f"{name} has {len(self.problems)} problems:\n{lines}\n")


def sentence(name: str, problem: Problem) -> str:
    """`sync.yaml:12: products.price.currency: ... What to do: ...`"""
    return f"{_finding(name, problem)} What to do: {problem.remedy}"


def _finding(name: str, problem: Problem) -> str:
    place = f"{name}:{problem.line}: " if problem.line else f"{name}: "
    where = f"{dotted(problem.loc)}: " if problem.loc else ""
    return f"{place}{where}{problem.text}"


def dotted(loc: Iterable[_Part]) -> str:
    """`products.options[0].name`"""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word somebody probably meant."""
    choices = {each.lower(): each for each in known}
    found = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.6)
    return choices[found[0]] if found else None


def did_you_mean(word: str, known: Sequence[str], otherwise: str = "") -> str:
    """A remedy for an unknown word."""
    meant = nearest(word, known)
    if meant:
        return f"Did you mean {meant!r}?"
    return otherwise or f"Use one of: {', '.join(known)}."


def problems_of(error: ValidationError, document: Document, model: type[BaseModel]) -> list[Problem]:
    """One problem for each finding of pydantic."""
    return [_problem(found, document, model) for found in error.errors(include_url=False)]


def _problem(found: ErrorDetails, document: Document, model: type[BaseModel]) -> Problem:
    loc = _without_tags(found["loc"], document.data)
    where, described = _declared(model, found["loc"])
    text, remedy = _words(found, where, described)
    return Problem(loc, text, remedy, document.line(loc))


def _words(found: ErrorDetails, around: type[BaseModel] | None, described: str | None) -> tuple[str, str]:
    kind, context, value = found["type"], found.get("ctx", {}), found["input"]
    shown = f" Found: {value!r}." if isinstance(value, (str, int, float, bool)) else ""
    meaning = f"It means: {described}" if described else "See docs/configuration.md."
    if kind == "extra_forbidden":
        return "There is no such setting.", _where_it_belongs(str(found["loc"][-1]), around)
    if kind == "missing":
        return "This setting is missing.", f"Add it. {meaning}"
    if kind in ("union_tag_invalid", "literal_error"):
        expected = str(context.get("expected_tags") or context.get("expected", ""))
        known = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
        return f"This is not one of the possible values.{shown}", did_you_mean(_said(value), known)
    if kind == "union_tag_not_found":
        return _untagged(str(context.get("discriminator", "")).strip("'"), meaning)
    if kind == "string_type":
        return f"A text is needed here.{shown}", "Put the value in quotes."
    if kind.startswith(("int_", "float_", "bool_")):
        return f"{found['msg']}.{shown}", f"Write it without quotes. {meaning}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "Settings with names are needed here.", "Write `name: value` lines below it, indented."
    if kind in ("tuple_type", "list_type"):
        return "A list is needed here.", "Write it as `[a, b]` or as lines that begin with `- `."
    if kind == "value_error":
        problem, _, remedy = found["msg"].removeprefix("Value error, ").partition("; ")
        return f"{problem}.", f"{remedy or meaning}."
    return f"{found['msg']}.{shown}", meaning


def _untagged(tag: str, meaning: str) -> tuple[str, str]:
    if tag == "kind":
        return "A transform needs a `kind`.", "Add `kind:`, for example `kind: choose_locale`."
    return f"This needs a `{tag}`.", f"Add `{tag}:` below it. {meaning}"


def _where_it_belongs(word: str, around: type[BaseModel] | None) -> str:
    known = list(around.model_fields) if around else []
    inside = [name for name in known if around and word in _members(around.model_fields[name].annotation)]
    otherwise = f"It belongs under {inside[0]!r}: indent it below that line." if inside else ""
    return did_you_mean(word, known, otherwise)


def _members(annotation: Any) -> Iterable[str]:
    return annotation.model_fields if _is_model(annotation) else ()


def _said(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return str(next((value[name] for name in TAGS if name in value), ""))


def _without_tags(loc: Loc, data: Any) -> Loc:
    """pydantic puts the tag of a union into the path; the file has no such level."""
    kept: list[_Part] = []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(data, dict) and (part in data or last):
            data = data.get(str(part))
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not last:
            continue
        kept.append(part)
    return tuple(kept)


def _declared(model: type[BaseModel], loc: Loc) -> tuple[type[BaseModel] | None, str | None]:
    """The model around the value at `loc`, and what the documentation says about that value."""
    here: Any = model
    around: type[BaseModel] | None = None
    described: str | None = None
    for part in loc:
        around = here if _is_model(here) else None
        known = around.model_fields.get(str(part)) if around else None
        described = " ".join(known.description.split()) if known and known.description else None
        here = known.annotation if known else _inside(here, part)
    return around, described


def _inside(annotation: Any, part: _Part) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _inside(arguments[0], part)
    if origin in (Union, UnionType):
        tagged = next((one for one in arguments if _is_model(one) and _tag(one) == part), None)
        if tagged is not None:
            return tagged
        found = (_inside(one, part) for one in arguments)
        return next((one for one in found if one is not None), None)
    if origin in (tuple, list):
        return _plain(arguments[0])
    if origin is dict:
        return _plain(arguments[1])
    if _is_model(annotation) and str(part) in annotation.model_fields:
        return annotation.model_fields[str(part)].annotation
    return None


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tag(model: type[BaseModel]) -> str | None:
    kind = next((model.model_fields[name] for name in TAGS if name in model.model_fields), None)
    return str(get_args(kind.annotation)[0]) if kind and get_origin(kind.annotation) is Literal else None
