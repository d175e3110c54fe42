"""What was said over the wire, as a person reads it."""

from __future__ import annotations

import re

DEEPEST = 40
"""Levels of JSON that are told apart by room on the left."""


def pretty(body: str | None) -> str:
    """A body as it was kept, JSON over several lines. Only the room between its parts is changed, never a character of
    them: numbers stay as they were written, and a body that was cut off is shown up to there."""
    if not body or body.lstrip()[:1] not in ("{", "["):
        return body or ""
    made: list[str] = []
    depth, position = 0, 0
    for match in _PART.finditer(body):
        made.append(body[position : match.start()].strip())
        position = match.end()
        part = match[0]
        if part in ("{", "["):
            depth += 1
            made.append(part + _line(depth))
        elif part in ("}", "]"):
            depth -= 1
            made.append(_line(depth) + part)
        else:
            made.append({",": "," + _line(depth), ":": ": "}.get(part, part))
    made.append(body[position:].strip())
    return "".join(made)


_PART = re.compile(r'"(?:[^"\\]|\\.)*"?|\{\s*\}|\[\s*\]|[{}\[\],:]', re.S)


def _line(depth: int) -> str:
    return "\n" + "  " * max(0, min(depth, DEEPEST))


def answer_of(status: int | None) -> tuple[str, str]:
    """A status in words, and how good that is."""
    if status is None:
        return "no answer", "bad"
    return str(status), "good" if status < 300 else "plain" if status < 400 else "bad"
