"""Forms that only our own pages can send: a signed token in each, and the browser's word where the request is from.

Airflow's session cookie is `SameSite=Lax` besides.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request

SALT = "retail-sync console form"
GOOD_FOR_SECONDS = 12 * 3600
FIELD = "form_token"


def token(secret: str, person: str) -> str:
    """The token of this person's forms."""
    return str(URLSafeTimedSerializer(secret, salt=SALT).dumps(person))


def is_ours(request: Request, secret: str, person: str, given: str, host: str = "") -> bool:
    """Whether a form was made for this person by this console, not long ago, and is sent from its own pages. `host`:
    what browsers call this server, where a proxy in front calls it otherwise."""
    return _same_origin(request, host) and _signed_for(secret, person, given)


def _signed_for(secret: str, person: str, given: str) -> bool:
    try:
        made_for = URLSafeTimedSerializer(secret, salt=SALT).loads(given, max_age=GOOD_FOR_SECONDS)
    except BadData:
        return False
    return bool(made_for == person)


def _same_origin(request: Request, host: str) -> bool:
    """Browsers say where a form comes from. Who says nothing (a script with a token) is judged by the token alone."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or _host_of(origin) in {request.headers.get("host"), host or None}


def _host_of(origin: str) -> str:
    """Host and port; empty for what is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
