"""A YAML text as plain data that still knows its lines.

YAML 1.2 is read, in which `NO` is Norway and not a falsehood. Keys are always text. A key given twice is a problem, not
the last one's victory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

Loc = tuple[str | int, ...]
"""The way to a value: keys and list positions."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the file, at one place, with the way out."""

    loc: Loc
    text: str
    remedy: str
    line: int | None = None


@dataclass
class Document:
    """`data`: the plain content ({} for an empty file). `lines`: where each value stands, and each key of a
    mapping."""

    data: Any = None
    lines: dict[Loc, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, loc: Sequence[str | int]) -> int:
        """The line (from 1) of a value, or of the nearest thing around it that the file holds."""
        for end in range(len(loc), -1, -1):
            if (line := self.lines.get(tuple(loc[:end]))) is not None:
                return line
        return 1


def read_document(text: str) -> Document:
    """The content of a configuration file. What can't be read is in `problems`."""
    document = Document(data={})
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        document.problems.append(
            Problem(
                (),
                f"This is not YAML: {fault.problem or fault.context}.",
                "Check the indentation and the quotes here and in the line above.",
                (mark.line + 1) if mark else 1,
            )
        )
        return document
    if root is not None:
        document.data = _value(root, (), document)
    return document


def _value(node: Node, loc: Loc, document: Document) -> Any:
    document.lines.setdefault(loc, node.start_mark.line + 1)
    if isinstance(node, MappingNode):
        return _mapping(node, loc, document)
    if isinstance(node, SequenceNode):
        return [_value(item, (*loc, position), document) for position, item in enumerate(node.value)]
    return _scalar(str(node.tag), str(node.value))


def _mapping(node: MappingNode, loc: Loc, document: Document) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key, line = str(key_node.value), key_node.start_mark.line + 1
        here = (*loc, key)
        if key in content:
            document.problems.append(
                Problem(
                    here,
                    f"The key {key!r} is given twice; the first time in line {document.lines[here]}.",
                    "Keep one of them.",
                    line,
                )
            )
            continue
        document.lines[here] = line
        content[key] = _value(value_node, here, document)
    return content


def _scalar(tag: str, text: str) -> Any:
    kind = tag.rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text.replace("_", ""), 0) if not text.lstrip("+-").isdigit() else int(text)
    return float(text) if kind == "float" else text
