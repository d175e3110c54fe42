"""Hosts and names that a setting gives, checked before any secret is sent there.

A client secret goes wherever the connection's host points. So a public host must be one the adapter expects, over
https, without anything that makes an address look like another one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from retail_sync.records.errors import ConfigurationFault

PLAIN_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
"""A project key or domain prefix: one label, nothing that could end a host or a path."""

_ODD = re.compile(r"[^\x21-\x7e]|[\\%]")


def check_base_url(url: str, *, system: str, setting: str, allowed: Sequence[str], path: str = r"/?") -> str:
    """`url` without a trailing slash, if it may be trusted with a secret.

    `allowed` are regular expressions for whole public host names, `path` is one for the whole path. This machine
    itself (loopback) may have any port and path, also without TLS. Raises ConfigurationFault naming `setting`.
    """

    why, address = _read(url)
    if address is not None:
        if is_loopback(address.hostname or ""):
            return f"{address.scheme}://{address.netloc.lower()}{address.path}".rstrip("/")
        why = _public_fault(address, system, allowed, path)
    if address is None or why:
        raise ConfigurationFault(
            f"{setting} {_shown(url)!r} is not accepted: {why}.",
            system=system,
            remedy=f"Correct {setting} in the Airflow connection; nothing was sent there.",
        )
    return f"https://{(address.hostname or '').lower()}{address.path}".rstrip("/")


def _read(url: str) -> tuple[str, SplitResult | None]:
    """The parts of an address that can be read in one way only; or None and why it can't."""
    if not url:
        return "it is empty", None
    if _ODD.search(url):
        return (
            "it holds blanks, control characters, backslashes, percent signs or letters outside ASCII",
            None,
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it can't be read as an address", None
    faults = {
        "it must begin with https://": parts.scheme not in ("https", "http"),
        "it has no host": not host,
        "it holds a user name or password; those belong into login and password": "@" in parts.netloc,
        "it must end after host and path": "?" in url or "#" in url,
        "its path must not hold '..' or '//'": ".." in parts.path or "//" in parts.path,
    }
    why = next((why for why, found in faults.items() if found), "")
    return why, None if why else parts


def _public_fault(address: SplitResult, system: str, allowed: Sequence[str], path: str) -> str:
    host = (address.hostname or "").lower()
    faults = {
        "it must begin with https://": address.scheme != "https",
        "a public host must not name a port": ":" in address.netloc,
        f"the host {host!r} is not one of {system}'s": not any(re.fullmatch(one, host) for one in allowed),
        f"the path {address.path!r} does not belong there": not re.fullmatch(path, address.path),
    }
    return next((why for why, found in faults.items() if found), "")


def check_name(value: str, *, system: str, setting: str, pattern: str = PLAIN_NAME) -> str:
    """`value`, if it is a plain name that can't lead an address elsewhere. Raises ConfigurationFault."""
    if re.fullmatch(pattern, value, re.ASCII):
        return value
    raise ConfigurationFault(
        f"{setting} {value[:80]!r} is not accepted: it must be a plain name ({pattern}), not an address or a path.",
        system=system,
        remedy=f"Correct {setting} in the Airflow connection; nothing was sent.",
    )


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine, whatever DNS says."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    """The address as far as it can be shown: what stands before an @ or after a ? may be a secret."""
    cut = re.sub(r"//[^/@]*@", "//***@", url)
    return re.split(r"[?#]", cut, maxsplit=1)[0][:200]
