"""Descriptions: the till keeps HTML, the record may keep plain text.

`to_html` and `to_text` undo each other exactly for any clean text, so that a description written as text and read back
is no change.
"""

from __future__ import annotations

import re
from html import escape, unescape

_IGNORED = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_SPACES = re.compile(r"[ \t\n\r\f]+")
_BREAK = re.compile(r" ?<br\s*/?> ?", re.IGNORECASE)
_BLOCK = re.compile(
    r"(?: ?</?(?:p|div|ul|ol|li|h[1-6]|table|tr|section|article|blockquote|pre|hr)\b[^>]*> ?)+", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")
_RUN_OF_SPACE = re.compile(r"(?<= )[ ]|^[ ]|[ ]$|[\t\f]")


def to_text(html: str) -> str:
    """Plain text of HTML: a line a paragraph, list item or line break; other white space as a browser shows it."""
    flat = _SPACES.sub(" ", _IGNORED.sub("", html))
    flat = _BLOCK.sub("\x00", flat)
    lines = [_BREAK.sub("\n", block) for block in flat.split("\x00")]
    text = "\n".join(line.strip(" ") for line in lines if line.strip(" "))
    return unescape(_TAG.sub("", text)).strip()


def to_html(text: str) -> str:
    """HTML that shows `text` as it is; `to_text` gives it back."""
    return "<br>".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    # White space a browser would swallow is spelled out.
    return _RUN_OF_SPACE.sub(lambda space: f"&#{ord(space.group())};", escape(line, quote=False))
