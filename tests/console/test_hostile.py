"""Whatever stands in an address or a form, the console answers with a page: never an error of the server, and never
with what was typed in a log.

Routes are those of the app, and names of parameters those that each route asks for: what is added joins by itself.
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text
from starlette.datastructures import ImmutableMultiDict

from retail_sync.console.app import PAGES, console_app
from retail_sync.console.bounds import LONGEST_VALUE, MOST_FORM_BYTES
from retail_sync.console.spreadsheet import LONGEST_CELL, harmless
from retail_sync.console.visit import Form
from retail_sync.ledger import Ledger
from retail_sync.settings.models import SyncSettings
from tests.benchmarks.consoleledger import fill, one_of
from tests.support.console_app import House, form_token, house_of

ANSWERS = {200, 303, 400, 403, 404, 409, 413, 415, 422}
UNREADABLE = ["a\x00b", "\x00", "x" * (LONGEST_VALUE + 1)]
"""Refused for whatever parameter it is."""
ODD = [
    "", "-1", "0", "9" * 30, "1e999", "²", "'; DROP TABLE runs; --", "%", "_%\\", "\ufffd\u200b\u202e", "😀",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "x" * LONGEST_VALUE,
    "0001-01-01T00:00:00+23:59|change|" + "9" * 40, "2026-01-01T00:00:00+00:00|hold|-" + "9" * 30,
    "2026-01-01T00:00:00+00:00|event|" + "9" * 30, "99999999999|00000000-0000-0000-0000-000000000000|x",
    "products|2147483648|00000000-0000-0000-0000-000000000000|x", "2026-01-01T00:00:00+00:00|" + "9" * 30,
]  # fmt: skip
IN_PATHS = [
    "%00",
    "a%00b",
    "%FF",
    "%ED%A0%BD",
    "9" * 40,
    "-1",
    "%C2%B2",
    "x" * 5000,
    "%2e%2e%2f",
    "%F0%9F%98%80",
    "a%0Ab",
]
PRIVATE = "ada@example.org"


@pytest.fixture(scope="module")
def house(
    module_ledger_url: str,
    sample_settings: SyncSettings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """A console on a ledger that holds a little of everything."""
    with Ledger.open(module_ledger_url) as ledger:
        fill(ledger.engine, one_of(0.0005))
        with house_of(ledger, sample_settings, Path(tmp_path_factory.mktemp("staging"))) as made:
            yield made


ROUTES = [route for route in console_app(None).routes if isinstance(route, APIRoute)]  # type: ignore[arg-type]
LOOKED_AT = [route.path for route in ROUTES if "GET" in (route.methods or ())]
SENT_TO = [route.path for route in ROUTES if "POST" in (route.methods or ())]


def test_every_page_is_among_the_routes() -> None:
    assert len(LOOKED_AT) > len(PAGES) and len(SENT_TO) >= 5


@pytest.mark.parametrize("path", LOOKED_AT)
def test_no_parameter_makes_a_page_fail(house: House, path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    address = _filled(house, path)
    with house.client() as client:
        names = _names_asked_for(client, address)
        for name, value in _each(names, UNREADABLE, 1):
            assert _status(client, address, {name: value}) == 400, (name, value[:40])
        for name, value in _each(names, [*ODD, PRIVATE], 3):
            assert _status(client, address, {name: value}) in ANSWERS - {400}, (name, value[:40])
        for value in [*ODD, PRIVATE] if names else ():
            assert _status(client, address, dict.fromkeys(names, value)) in ANSWERS - {400}, value[:40]
        many = [(f"n{number}", "x") for number in range(5000)]
        assert client.get(f"{address}?{urlencode(many)}").status_code == 400
    _assert_quiet(caplog)


@pytest.mark.parametrize("path", sorted({path for path in [*LOOKED_AT, *SENT_TO] if "{" in path}))
def test_no_path_makes_a_page_fail(house: House, path: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with house.client() as client:
        for place in re.findall(r"{(\w+)(?::path)?}", path):
            for value in IN_PATHS:
                address = _filled(house, path, {place: value})
                answer = client.get(address)
                assert answer.status_code in ANSWERS | {405}, (place, value[:40])
                # A path with a line break does not get as far as the console.
                assert "%0A" in value or answer.headers["content-type"].startswith(("text/html", "text/csv"))
    _assert_quiet(caplog)


@pytest.mark.parametrize("path", SENT_TO)
def test_no_field_of_a_form_makes_an_action_fail(
    house: House, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address = _filled(house, path)
    with house.client() as client:
        token = form_token(client.get("/drift").text)
        assert token
        names = _fields_asked_for(client, address, token)
        values = [*UNREADABLE, *ODD, "12:abc", "²:x", "9" * 30 + ":x", PRIVATE]
        forms = [{name: value} for name, value in _each(names, values, 3)]
        forms += [dict.fromkeys(names, value) for value in values]
        for more in ({}, {"do": "matching", "confirmed": "yes"}):
            for form in forms:
                answer = client.post(address, data={"form_token": token, **more, **form})
                assert answer.status_code in ANSWERS, (list(form), str(form)[:99], answer.status_code)
        assert client.post(address, data={"form_token": token, "x": "y" * MOST_FORM_BYTES}).status_code == 413
        for content_type in ("multipart/form-data; boundary=x", "application/json", "text/plain"):
            answer = client.post(address, content=b"x", headers={"content-type": content_type})
            assert answer.status_code == 415
        bad = client.post(
            address,
            content=b"form_token=%ED%A0%BD",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert bad.status_code == 400
    _assert_quiet(caplog)


def test_a_form_of_nobody_is_not_read(house: House) -> None:
    with house.client(None) as client:
        for path in SENT_TO:
            assert client.post(_filled(house, path), data={"x": "y" * MOST_FORM_BYTES}).status_code == 401


@pytest.mark.parametrize(
    ("cell", "disarmed"),
    [
        ("=1+1", "'=1+1"), (" =1", "' =1"), ("\t=1", "'\t'=1"), ("Shoe;=1", "Shoe;'=1"), ("Shoe\t-cmd", "Shoe\t'-cmd"),
        ("Shoe\n@x", "Shoe\n'@x"), ("Shoe\r\n+1", "Shoe\r'\n'+1"), ('a;"=1', "a;'\"=1"), ("a;＝1", "a;'＝1"),
        (";;=1", ";;'=1"), ("-3", "-3"), ("-3,50", "-3,50"), ("a; b", "a; b"), ("a = b", "a = b"), ("", ""),
    ],
)  # fmt: skip
def test_no_spreadsheet_finds_a_formula_in_a_cell_whatever_separates_its_cells(
    cell: str, disarmed: str
) -> None:
    assert harmless(cell) == disarmed


def test_a_cell_is_no_longer_than_a_spreadsheet_takes() -> None:
    assert harmless("x" * LONGEST_CELL) == "x" * LONGEST_CELL
    cut = harmless("x" * 5_000_000)
    assert len(cut) < 32_767 and "4968000 more characters" in cut


def _each(names: Iterable[str], values: Sequence[str], times: int) -> Iterator[tuple[str, str]]:
    """Each name with some of the values, in turn, so that all are had with one name or another."""
    turn = itertools.cycle(values)
    for name in sorted(names):
        for value in itertools.islice(turn, times):
            yield name, value


def _assert_quiet(caplog: pytest.LogCaptureFixture) -> None:
    told = [one for one in caplog.records if one.name.startswith(("retail_sync", "sqlalchemy"))]
    assert not [one for one in told if one.levelno >= logging.ERROR]
    assert PRIVATE not in "".join(one.getMessage() for one in told)


def _status(client: httpx.Client, address: str, query: dict[str, str]) -> int:
    return client.get(f"{address}?{urlencode(query)}").status_code


def _names_asked_for(client: httpx.Client, address: str) -> set[str]:
    """Names of parameters that a page asks for; some only where others are given."""
    names: set[str] = set()
    while True:
        with _noting("get", "getlist") as found:
            assert client.get(address, params=dict.fromkeys(names, "x")).status_code in ANSWERS
        if found <= names:
            return names
        names |= found


@contextmanager
def _noting(*methods: str) -> Iterator[set[str]]:
    """Names that are asked for in query parameters while the block runs."""
    found: set[str] = set()

    def noting(original: object) -> object:
        def asked(self: object, key: str, *more: object) -> object:
            if type(self).__name__ == "QueryParams":
                found.add(key)
            return original(self, key, *more)  # type: ignore[operator]

        return asked

    with pytest.MonkeyPatch.context() as patch:
        for name in methods:
            patch.setattr(ImmutableMultiDict, name, noting(getattr(ImmutableMultiDict, name)))
        yield found


def _fields_asked_for(client: httpx.Client, address: str, token: str) -> set[str]:
    names: set[str] = set()
    with pytest.MonkeyPatch.context() as patch:
        one, several = Form.one, Form.all
        patch.setattr(Form, "one", lambda self, name, default="": names.add(name) or one(self, name, default))
        patch.setattr(Form, "all", lambda self, name: names.add(name) or several(self, name))
        for more in ({}, {"do": "matching"}, {"do": "dismiss"}, {"confirmed": "yes"}):
            client.post(address, data={"form_token": token, **more})
    return names | {"anything"}


def _filled(house: House, path: str, given: dict[str, str] | None = None) -> str:
    """The address of a route about something that is there. `given`: parts of the path, quoted already."""
    with house.ledger.engine.connect() as connection:

        def first(query: str) -> list[str]:
            return [quote(str(one), safe=":") for one in connection.execute(text(query)).one()]

        entity, kind, system, record = first(
            "SELECT entity, kind, system, id FROM mirror ORDER BY id LIMIT 1"
        )
        run_id, dag_id, airflow_run_id = first(
            "SELECT id, dag_id, airflow_run_id FROM runs ORDER BY id LIMIT 1"
        )
        [hold_id] = first("SELECT id FROM holds ORDER BY id LIMIT 1")
        [change_id] = first("SELECT id FROM changes ORDER BY id LIMIT 1")
        [exchange_id] = first("SELECT id FROM exchanges ORDER BY id LIMIT 1")
    there = {
        "entity": entity, "kind": kind, "system": system, "record": record, "run_id": run_id, "dag_id": dag_id,
        "airflow_run_id": airflow_run_id, "hold_id": hold_id, "change_id": change_id, "exchange_id": exchange_id,
        **(given or {}),
    }  # fmt: skip
    return re.sub(r"{(\w+)(?::path)?}", lambda found: there.get(found[1], "x"), path)
