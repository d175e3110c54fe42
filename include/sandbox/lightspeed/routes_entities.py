"""Routes of the entities in `entities.COLLECTIONS`, made from that table."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from sandbox.lightspeed.entities import COLLECTIONS, Collection
from sandbox.lightspeed.rows import Record
from sandbox.lightspeed.web import (
    LEGACY_VERSIONS,
    Handler,
    data,
    envelope,
    flag_of,
    found,
    nothing,
    object_of,
    page_of,
    scoped,
    store_of,
)

router = APIRouter(prefix="/api/{version}")


def _known(of: Collection, request: Request, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that the version asked for knows."""
    if not of.dated or request.path_params["version"] not in LEGACY_VERSIONS:
        return fields
    return {name: value for name, value in fields.items() if name not in of.dated}


def _lists(of: Collection) -> Handler:
    async def handler(request: Request) -> Response:
        store = store_of(request)
        with store.lock:
            table = of.table(store)
            if of.listing == "whole":
                # All of it, whatever `after` says: a client that pages until a page is empty would never end.
                rows = table.page(0, None, flag_of(request, "deleted"), len(table.rows))
                return envelope(request, rows, [of.wire(store, row) for row in rows], with_version=False)
            rows = page_of(request, table)
            with_version = of.path != "tags" or store.options.tags_envelope_version
            return envelope(
                request, rows, [_known(of, request, of.wire(store, row)) for row in rows], with_version
            )

    return handler


def _gets(of: Collection) -> Handler:
    async def handler(request: Request) -> Response:
        store = store_of(request)
        with store.lock:
            row = found(of.table(store), request.path_params["row_id"], of.kind)
            return data(_known(of, request, of.wire(store, row)))

    return handler


def _creates(of: Collection) -> Handler:
    async def handler(request: Request) -> Response:
        given, store = await object_of(request), store_of(request)
        with store.lock:
            fields = of.checked(store, _known(of, request, given), None)
            row = Record(id=store.new_id(), fields=fields)
            of.table(store).add(row)
            wire = _known(of, request, of.wire(store, row))
            return data(row.id if of.create_answer == "id" else wire, of.create_status)

    return handler


def _updates(of: Collection) -> Handler:
    async def handler(request: Request) -> Response:
        given, store = await object_of(request), store_of(request)
        with store.lock:
            row = found(of.table(store), request.path_params["row_id"], of.kind)
            row.fields |= of.checked(store, _known(of, request, given), row)
            of.table(store).touch(row)
            wire = _known(of, request, of.wire(store, row))
            answers = {"id": row.id, "id object": {"id": row.id}, "row": wire}
            return data(answers[of.update_answer])

    return handler


def _deletes(of: Collection) -> Handler:
    async def handler(request: Request) -> Response:
        store = store_of(request)
        with store.lock:
            row = found(of.table(store), request.path_params["row_id"], of.kind)
            if of.before_delete is not None:
                of.before_delete(store, row)
            of.table(store).delete(row)
            if of.delete_answer == "nothing":
                return nothing(204)
            return data({"id": row.id} | ({"job_id": store.new_id()} if of.delete_answer == "job" else {}))

    return handler


for _each in COLLECTIONS:
    _one = f"/{_each.path}/{{row_id}}"
    router.add_api_route(f"/{_each.path}", _lists(_each), methods=["GET"], dependencies=[scoped(*_each.read)])
    router.add_api_route(_one, _gets(_each), methods=["GET"], dependencies=[scoped(*_each.read)])
    if _each.write is not None:
        _guard = [scoped(*_each.write)]
        router.add_api_route(f"/{_each.path}", _creates(_each), methods=["POST"], dependencies=_guard)
        router.add_api_route(_one, _updates(_each), methods=["PUT"], dependencies=_guard)
        if _each.delete_answer is not None:
            router.add_api_route(_one, _deletes(_each), methods=["DELETE"], dependencies=_guard)
