"""What is taken out of an exchange before anybody may see it.

Four nets, each enough for what it catches: header, query and member names that carry secrets; secret values known
to the client (wherever they turn up, in any spelling); private fields the configuration names; e-mail addresses in
addresses and in bodies that can't be parsed. A long text is cut to the cap and a margin before it is looked at, and
what might be half a secret at that cut is left out, so the work is bounded and no cut leaves half a secret. Every
expression here takes time in proportion to the text: none begins with a repetition that can begin anywhere.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from retail_sync.transport.bodies import Unreadable, encode, parse
from retail_sync.transport.bounds import MARGIN_FOR_SECRETS
from retail_sync.transport.withholding import query_shape, shape_of

MASK = "***"
SHORTEST_SECRET = 4
"""Shorter "secrets" would blank out ordinary words; they are still caught by name."""

_SECRET_NAMES = frozenset(
    {
        *("authorization", "proxyauthorization", "bearer", "jwt", "codeverifier", "xsignature"),
        *("cookie", "setcookie", "sessionid", "privatekey", "passwd", "pwd", "credential", "credentials"),
    }
)
_SECRET_ENDINGS = ("token", "secret", "password", "apikey", "accesskey")
_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+[\w.+%@-]*", re.IGNORECASE)
_SECRET_MEMBER = re.compile(
    r"""((?:token|secret|password|authorization|api[_-]?key|cookie)["']?\s*[:=]\s*)("[^"]*"?|'[^']*'?|[^\s,&}<]+(?:\s+[A-Za-z0-9._~+/=-]{12,})?)""",
    re.IGNORECASE,
)


_listeners: list[Callable[[str], None]] = []


def tell_secrets_to(listener: Callable[[str], None]) -> None:
    """Have `listener` called with every secret value a redactor of this process learns from now on (tokens received at
    run time too), so that whatever else writes logs can mask it. Telling the same listener twice changes nothing."""
    if listener not in _listeners:
        _listeners.append(listener)


def is_secret_name(name: str) -> bool:
    """Whether a header, query or member of this name holds a secret."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


class Redactor:
    """Redacts and caps. `private` are dotted names of wire fields; a name matches wherever the path of a member ends
    with it (list positions don't count), and also where the last part is the `name` of a name-value object."""

    def __init__(self, secrets: Iterable[str] = (), private: Iterable[str] = (), cap: int = 16_384) -> None:
        self._cap = cap
        self._private = tuple(tuple(path.split(".")) for path in private if path)
        self._leaves = frozenset(path[-1] for path in self._private)
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """One more value that must never be shown (a token just received)."""
        if len(secret) < SHORTEST_SECRET or secret in self._secrets:
            return
        self._secrets.add(secret)
        for tell in _listeners:
            tell(secret)
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern_of, longest_first)), re.IGNORECASE)

    def text(self, text: str) -> str:
        """`text` without known secret values."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def free_text(self, text: str) -> str:
        """Text nobody can parse: without secrets, known or recognisable, and without e-mail addresses; of a long one
        the beginning."""
        return self._beginning(text, self._masked)

    def _masked(self, text: str) -> str:
        return _EMAIL.sub(MASK, _SECRET_MEMBER.sub(rf"\1{MASK}", self.text(text)))

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name: MASK if is_secret_name(name) else self.text(str(value)) for name, value in headers.items()
        }

    def url(self, url: str, *, withhold: bool = False) -> str:
        """An address as it may be shown. `withhold`: its query may hold personal data, so only its shape is kept."""
        parts = urlsplit(url)
        host = parts.netloc.rsplit("@", 1)[-1]
        query = ""
        if parts.query:
            bare = urlencode(query_shape(parts.query), safe="*") if withhold else parts.query
            query = self._form(bare)
        path = _EMAIL.sub(MASK, self.text(parts.path))
        return self.text(urlunsplit((parts.scheme, host, path, query, "")))

    def body(self, content: bytes, content_type: str = "", parsed: Any = None) -> str | None:
        """A body as it may be kept: redacted, at most `cap` bytes and a mark that says how much was cut.

        `parsed` saves parsing again where the caller has the JSON value. None for an empty body or a cap of 0.
        """
        if not content or self._cap <= 0:
            return None
        kind = content_type.split(";", 1)[0].strip().lower()
        if (
            kind.startswith(("multipart/", "image/", "audio/", "video/"))
            or kind == "application/octet-stream"
        ):
            return f"[{kind}, {len(content)} bytes]"
        if kind == "application/x-www-form-urlencoded":
            text = content.decode("utf-8", "replace")
            return self._capped(self._beginning(text, self._form), len(content))
        try:
            value = parse(content) if parsed is None else parsed
        except Unreadable:
            return self._capped(self._unparseable(content.decode("utf-8", "replace")), len(content))
        kept = _Walk(self, self._cap).value(value, ())
        return self._capped(self.text(_json_text(kept)), len(content))

    def withheld(self, content: bytes) -> str | None:
        """What is kept of a body of which nothing may be shown (tokens, personal data)."""
        return f"[{len(content)} bytes, withheld]" if content else None

    def shape(self, content: bytes, parsed: Any = None) -> str | None:
        """A body of personal data with all values masked (see `withholding`); what is no JSON is withheld whole."""
        if not content or self._cap <= 0:
            return None
        try:
            value = parse(content) if parsed is None else parsed
        except Unreadable:
            return self.withheld(content)
        kept = shape_of(value, self._cap, self.text)
        return self._capped(self.text(_json_text(kept)), len(content))

    def is_private(self, path: tuple[str, ...]) -> bool:
        return any(path[-len(name) :] == name for name in self._private)

    def names_private(self, name: object) -> bool:
        return isinstance(name, str) and name in self._leaves

    def _form(self, text: str) -> str:
        pairs = [
            (
                name,
                MASK if is_secret_name(name) or name in self._leaves else _EMAIL.sub(MASK, self.text(value)),
            )
            for name, value in parse_qsl(text, keep_blank_values=True)
        ]
        return self.text(urlencode(pairs, safe="*"))

    def _beginning(self, text: str, shown: Callable[[str], str]) -> str:
        """`text` as `shown` makes it, of a long one only as much as will be kept. The last of what was looked at is
        left out then: a secret may be cut in half there."""
        room = self._cap + 2 * MARGIN_FOR_SECRETS
        if len(text) <= room:
            return shown(text)
        return shown(text[:room])[:-MARGIN_FOR_SECRETS]

    def beginning(self, text: str) -> str:
        """`text` without known secrets; of a long one what may be kept."""
        return self._beginning(text, self.text)

    def _unparseable(self, text: str) -> str:
        if any(leaf in text for leaf in self._leaves):
            return f"[unreadable body of {len(text)} characters that names a private field, withheld]"
        return self.free_text(text)

    def _capped(self, text: str, original: int) -> str:
        data = text.encode("utf-8", "replace")
        if len(data) <= self._cap:
            return text
        head = data[: self._cap].decode("utf-8", "ignore")
        return f"{head}…[cut; the body has {original} bytes]"


class _Walk:
    """Copies a JSON value without its secrets, and stops copying once `room` characters are used up: of a page of
    500 products only the first few are kept, and only those are walked."""

    def __init__(self, redactor: Redactor, room: int) -> None:
        self._redactor = redactor
        self._room = room

    def value(self, value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return self._members(value, path)
        if isinstance(value, list):
            return self._items(value, path)
        self._room -= 8
        if not isinstance(value, str):
            return value
        shown = self._redactor.beginning(value)
        self._room -= len(shown)
        return shown

    def _members(self, members: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        named_private = self._redactor.names_private(members.get("name"))
        for position, (name, value) in enumerate(members.items()):
            if self._room <= 0:
                kept["…"] = f"{len(members) - position} more members cut"
                break
            self._room -= len(name) + 4
            here = (*path, name)
            hidden = is_secret_name(name) or self._redactor.is_private(here)
            hidden = hidden or (named_private and name.lower().endswith("value"))
            kept[self._redactor.beginning(name)] = (
                MASK if hidden and value is not None else self.value(value, here)
            )
        return kept

    def _items(self, items: list[Any], path: tuple[str, ...]) -> list[Any]:
        kept: list[Any] = []
        for position, item in enumerate(items):
            if self._room <= 0:
                kept.append(f"… {len(items) - position} more items cut")
                break
            kept.append(self.value(item, path))
        return kept


def _json_text(value: Any) -> str:
    """JSON to look at, of anything a body can hold: it does not raise for a value that could not be sent."""
    try:
        return encode(value).decode()
    except (TypeError, ValueError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _pattern_of(secret: str) -> str:
    """Finds a value however it is spelt: as it is, escaped for an address, a JSON string or HTML, or partly so (which
    signs are escaped in an address is a matter of taste)."""
    return "".join(_spellings(sign) for sign in secret)


def _spellings(sign: str) -> str:
    if sign.isascii() and sign.isalnum():
        return sign
    forms = {
        sign,
        "".join(f"%{byte:02x}" for byte in sign.encode("utf-8", "replace")),
        json.dumps(sign)[1:-1],
        html.escape(sign),
        f"&#{ord(sign)};",
        *(["+"] if sign == " " else []),
    }
    return f"(?:{'|'.join(re.escape(form) for form in sorted(forms, key=len, reverse=True))})"
