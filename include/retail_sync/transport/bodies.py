"""JSON as this package sends and reads it: exact numbers both ways, bounded, and never a raw parser error.

`parse` is the one parser for everything that comes from outside: answers, webhooks, events of queues.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from typing import Any
from uuid import uuid4

from retail_sync.records.odd import DEEP, NO_NUMBER, NUMBER, TEXT, TWICE, odd, reason_of
from retail_sync.transport.bounds import MOST_DEPTH, MOST_DIGITS, MOST_VALUES

_NOT_STRUCTURE = bytes(sign for sign in range(256) if sign not in b'[]{}",')
_STEP = [1 if sign in b"[{" else -1 if sign in b"]}" else 0 for sign in range(256)]
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|$)|[\[\]{}]', re.DOTALL)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONE = re.compile(
    r"\\u(?:0000|d[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2}\\u)d[c-f][0-9a-f]{2})",
    re.IGNORECASE,
)
"""An escape that may end in a text nobody can store: NUL, or half of a surrogate pair."""


class Unreadable(ValueError):
    """The bytes can't be read as JSON; its text says why and quotes nothing. Internal to this room: callers meet
    ProtocolFault or UnknownOutcome."""


def parse(content: bytes) -> Any:
    """The JSON value of `content`, numbers with a fraction as Decimal.

    A value that nobody can take is replaced by an object that says why (see `retail_sync.records.odd`): a number beyond
    `MOST_DIGITS`, one that is none (NaN), a text that can't be stored, a member that is there twice, and what is nested
    deeper than `MOST_DEPTH`. Raises Unreadable where the whole is no JSON, or has more than `MOST_VALUES` values.
    """
    text, halves = _decoded(content)
    depth = _depth_of(content)
    try:
        value = _DECODER.decode(_without_depths(text) if depth > MOST_DEPTH else text)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if halves or _LONE.search(text):
        value = _storable(value)
    if (why := reason_of(value)) is not None:
        raise Unreadable(f"not JSON but {why}")
    return value


def _decoded(content: bytes) -> tuple[str, bool]:
    """The text, and whether it holds halves of surrogate pairs."""
    try:
        return content.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("utf-8", "surrogatepass"), True
    except UnicodeDecodeError:
        raise Unreadable("not JSON in UTF-8") from None


def _depth_of(content: bytes) -> int:
    """How deep objects and lists are nested, without a step of Python for each byte."""
    bare = content.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_STRUCTURE)
    structure = b"".join(bare.split(b'"')[::2])
    if len(structure) > 2 * MOST_VALUES:  # a container has two signs
        raise Unreadable(f"more than {MOST_VALUES} values")
    brackets = structure.translate(None, b",")
    if len(structure) - len(brackets) // 2 > MOST_VALUES:
        raise Unreadable(f"more than {MOST_VALUES} values")
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def _without_depths(text: str) -> str:
    """The text with everything replaced that is nested too deep."""
    kept: list[str] = []
    depth, start = 0, 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign in "[{":
            depth += 1
            if depth == MOST_DEPTH:
                kept += [text[start : token.start()], json.dumps(odd(DEEP))]
        elif sign in "]}":
            depth -= 1
            if depth == MOST_DEPTH - 1:
                start = token.end()
    return "".join([*kept, text[start:] if depth < MOST_DEPTH else ""])


def _exact(digits: str) -> Any:
    """A number with a fraction or an exponent."""
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond what a Decimal can hold
        return odd(NUMBER)
    return number if is_bounded(number) else odd(NUMBER)


def is_bounded(number: Decimal) -> bool:
    """Whether a finite number, written out in full, has at most `MOST_DIGITS` digits on either side of its point."""
    _, _, exponent = number.as_tuple()
    return isinstance(exponent, int) and exponent >= -MOST_DIGITS and number.adjusted() < MOST_DIGITS


def _whole(digits: str) -> Any:
    return int(digits) if len(digits.lstrip("-")) <= MOST_DIGITS else odd(NUMBER)


def _no_number(_: str) -> Any:
    return odd(NO_NUMBER)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Which of two members of one name counts is nobody's to say."""
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                members[name] = odd(TWICE)
            seen.add(name)
    return members


_DECODER = json.JSONDecoder(
    parse_float=_exact, parse_int=_whole, parse_constant=_no_number, object_pairs_hook=_members
)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return odd(TEXT) if _UNSTORABLE.search(value) else value
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("\ufffd", name): _storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return value


def encode(value: Any) -> bytes:
    """`value` as JSON bytes; a Decimal becomes a number with exactly its digits (the standard library would need a
    float for that). Raises TypeError or ValueError for what JSON can't hold; their texts quote no value."""
    nonce = uuid4().hex
    numbers: list[str] = []

    def exact(item: Any) -> str:
        if not isinstance(item, Decimal) or not item.is_finite() or not is_bounded(item):
            raise TypeError(f"a {type(item).__name__} can't be sent as JSON")
        numbers.append(format(item, "f"))
        return f"{nonce}:{len(numbers) - 1}"

    text = json.dumps(value, default=exact, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if numbers:
        text = re.sub(f'"{nonce}:(\\d+)"', lambda found: numbers[int(found[1])], text)
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half of a surrogate pair") from None
