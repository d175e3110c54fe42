"""One request of one person: what a page works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends
from itsdangerous import BadSignature, URLSafeSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from retail_sync.console import forgery, rendering
from retail_sync.console.bounds import form_of, require_readable
from retail_sync.console.ports import Person, Ports, Refused
from retail_sync.ledger.ledger import Ledger
from retail_sync.settings.models import SyncSettings

SAID = "said"
"""Query parameter with a signed sentence about what was just done."""
LONGEST_SAID = 500


@dataclass(frozen=True)
class Visit:
    """`query` values are texts of the address; never trust them further than as parameters of queries."""

    request: Request
    ports: Ports
    person: Person

    @property
    def ledger(self) -> Ledger:
        return self.ports.ledger()

    @property
    def settings(self) -> SyncSettings:
        return self.ports.settings()

    @property
    def root(self) -> str:
        """Where the console is mounted, without a slash at the end."""
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    @property
    def airflow(self) -> str:
        """Where Airflow's own pages begin, without a slash at the end."""
        return self.ports.airflow

    @property
    def entities(self) -> tuple[str, ...]:
        """Synced entities that this person may see, in the order of a first alignment."""
        return tuple(one for one in self.settings.synced_entities if one in self.person.sees)

    def may(self, dag_id: str) -> bool:
        """Whether this person may start this DAG, and with it decide what it does."""
        return dag_id in self.person.acts

    def query(self, name: str, default: str = "") -> str:
        return str(self.request.query_params.get(name, default)).strip()

    def address(self, path: str, **query: Any) -> str:
        """An address within the console; parameters without a value are left out."""
        given = {name: value for name, value in query.items() if value not in (None, "")}
        return f"{self.root}{path}" + (f"?{urlencode(given, doseq=True)}" if given else "")

    def pager(
        self, path: str, given: Mapping[str, Any], after: str | None, name: str = "after"
    ) -> dict[str, Any]:
        """What the macro `pager` shows: the first page, where this is another one, and the next, where one begins
        after `after`."""
        return {
            "first": self.address(path, **given) if self.query(name) else None,
            "next": self.address(path, **given, **{name: after}) if after else None,
        }

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A page of the console. Templates find `visit`, `now`, `said`, `form_token` and what is given."""
        return rendering.page(
            template,
            {
                "visit": self,
                "now": datetime.now(UTC),
                "said": self._said(),
                "form_token": forgery.token(self.ports.secret, self.person.name),
                **context,
            },
            status,
        )

    def go(self, path: str, sentence: str = "", **query: Any) -> Response:
        """After an action: on to a page that says what was done."""
        said = self._signer().dumps(sentence[:LONGEST_SAID]) if sentence else None
        return RedirectResponse(self.address(path, **query, **{SAID: said}), status_code=303)

    def _said(self) -> str:
        try:
            return str(self._signer().loads(self.query(SAID))) if self.query(SAID) else ""
        except BadSignature:
            return ""

    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.ports.secret, salt="retail-sync console said")


async def _visit(request: Request) -> Visit:
    ports: Ports = request.app.state.ports
    visit = Visit(request, ports, await ports.person(request))
    require_readable(request)
    return visit


Looking = Annotated[Visit, Depends(_visit)]
"""What every page takes: somebody who may look at something. Routes are plain functions: they run beside the event
loop, because the ledger's driver blocks."""


@dataclass(frozen=True)
class Form:
    """What was sent with a form."""

    fields: Mapping[str, list[str]]

    def one(self, name: str, default: str = "") -> str:
        return self.fields.get(name, [default])[0].strip()

    def all(self, name: str) -> list[str]:
        return [value.strip() for value in self.fields.get(name, []) if value.strip()]


async def _form(request: Request, visit: Looking) -> Form:
    """The form of a POST. Raises Refused (403) where it is not one of ours, HTTPException where it can't be read."""
    fields: dict[str, list[str]] = {}
    for name, value in await form_of(request):
        fields.setdefault(name, []).append(value)
    given = fields.pop(forgery.FIELD, [""])[0]
    if not forgery.is_ours(request, visit.ports.secret, visit.person.name, given, visit.ports.host):
        raise Refused(403)
    return Form(fields)


Sent = Annotated[Form, Depends(_form)]
"""What every action takes beside `Looking`. It must ask `visit.may(dag)` before it does anything (see `required`)."""


def required(visit: Visit, dag_id: str) -> None:
    """Raises Refused (403) where this person may not start this DAG."""
    if not visit.may(dag_id):
        raise Refused(403)
