"""Routes of the collections in `entities.COLLECTIONS`, made from that table."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed.entities import COLLECTIONS, Collection
from sandbox.lightspeed.state import StoreState
from sandbox.lightspeed.web import (
    Given,
    data,
    envelope,
    flag_of,
    found,
    known_fields,
    nothing,
    object_of,
    page_of,
    routed,
)

router = APIRouter(prefix="/api/{version}")


def _list(of: Collection) -> None:
    @routed(router, "GET", f"/{of.path}", *of.read)
    def handler(store: StoreState, request: Request) -> Response:
        if of.listing == "whole":
            # All of it, whatever `after` says: a client that pages until a page is empty would never end.
            rows = of.table(store).all(flag_of(request, "deleted"))
            return envelope(request, rows, [of.wire(store, row) for row in rows], with_version=False)
        rows = page_of(request, of.table(store), of.most)
        wires = [known_fields(request, of.wire(store, row), of.dated) for row in rows]
        with_version = of.envelope_option is None or getattr(store.options, of.envelope_option)
        return envelope(request, rows, wires, with_version)


def _show(of: Collection) -> None:
    @routed(router, "GET", f"/{of.path}/{{row_id}}", *of.read)
    def handler(store: StoreState, request: Request, row_id: str) -> Response:
        row = found(of.table(store), row_id, of.kind)
        return data(known_fields(request, of.wire(store, row), of.dated))


def _create(of: Collection, scopes: tuple[str, ...]) -> None:
    @routed(router, "POST", f"/{of.path}", *scopes, body=object_of)
    def handler(store: StoreState, request: Request, given: Given) -> Response:
        fields = of.checked(store, known_fields(request, given, of.dated), None)
        row = store.add_record(of.table(store), fields)
        wire = known_fields(request, of.wire(store, row), of.dated)
        return data(row.id if of.create_answer == "id" else wire, of.create_status)


def _update(of: Collection, scopes: tuple[str, ...]) -> None:
    @routed(router, "PUT", f"/{of.path}/{{row_id}}", *scopes, body=object_of)
    def handler(store: StoreState, request: Request, given: Given, row_id: str) -> Response:
        row = found(of.table(store), row_id, of.kind)
        row.fields |= of.checked(store, known_fields(request, given, of.dated), row)
        of.table(store).touch(row)
        wire = known_fields(request, of.wire(store, row), of.dated)
        return data({"id": row.id, "id object": {"id": row.id}, "row": wire}[of.update_answer])


def _delete(of: Collection, scopes: tuple[str, ...]) -> None:
    @routed(router, "DELETE", f"/{of.path}/{{row_id}}", *scopes)
    def handler(store: StoreState, request: Request, row_id: str) -> Response:
        row = found(of.table(store), row_id, of.kind)
        if of.before_delete is not None:
            of.before_delete(store, row)
        of.table(store).delete(row)
        if of.delete_answer == "nothing":
            return nothing(204)
        return data({"id": row.id} | ({"job_id": store.new_id()} if of.delete_answer == "job" else {}))


for _each in COLLECTIONS:
    if _each.listing != "its own":
        _list(_each)
    if _each.has_one:
        _show(_each)
    if _each.write is not None:
        _create(_each, _each.write)
        _update(_each, _each.write)
        if _each.delete_answer is not None:
            _delete(_each, _each.write)
