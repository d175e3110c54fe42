"""JSON as this package sends and reads it: exact numbers both ways, and never a raw parser error."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn
from uuid import uuid4


class Unreadable(ValueError):
    """The bytes are not JSON. Internal to this room: callers meet ProtocolFault or UnknownOutcome."""


def parse(content: bytes) -> Any:
    """The JSON value of `content`, numbers with a fraction as Decimal. Raises Unreadable."""
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError, ArithmeticError) as problem:
        raise Unreadable(type(problem).__name__) from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def encode(value: Any) -> bytes:
    """`value` as JSON bytes; a Decimal becomes a number with exactly its digits (the standard library would need a
    float for that). Raises TypeError or ValueError for what JSON can't hold."""
    nonce = uuid4().hex
    numbers: list[str] = []

    def exact(item: Any) -> str:
        if not isinstance(item, Decimal) or not item.is_finite():
            raise TypeError(f"{type(item).__name__} {item!r} can't be sent as JSON")
        numbers.append(format(item, "f"))
        return f"{nonce}:{len(numbers) - 1}"

    text = json.dumps(value, default=exact, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if numbers:
        text = re.sub(f'"{nonce}:(\\d+)"', lambda found: numbers[int(found[1])], text)
    return text.encode()
