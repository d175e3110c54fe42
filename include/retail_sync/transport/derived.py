"""Secrets made from a secret: what may stand in an address without giving the secret itself away."""

from __future__ import annotations

import hashlib
import hmac
import re

LENGTH = 40
"""Hexadecimal digits: 160 bits."""
_SECRET = re.compile(rf"[0-9A-Fa-f]{{{LENGTH},}}")


def address_secret(secret: str, purpose: str) -> str:
    """The part of an address that only who knows `secret` can make; another one for each `purpose`
    (`lightspeed/main/inventory.update`)."""
    return hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:LENGTH]


def without_secrets(path: str) -> str:
    """`path` as it may be logged: `***` for whatever may be the secret part of an address."""
    return _SECRET.sub("***", path)
