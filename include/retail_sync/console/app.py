"""The console as an app that Airflow mounts."""

from __future__ import annotations

import logging
from importlib import import_module

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from retail_sync.console import rendering
from retail_sync.console.ports import CannotStart, Ports, Refused
from retail_sync.records.errors import SyncError

log = logging.getLogger(__name__)

PAGES = ("overview", "holds", "runs", "search", "stock", "drift")
"""Modules of `retail_sync.console.pages`; each has a `router`, and an entry in the navigation of `base.html`."""
VIEWS = ("accounts", "evidence", "plans", "search", "timeline", "wire")
"""Modules of `retail_sync.console.views` whose functions templates call by the module's name."""
REFUSALS = {
    401: ("Nobody is signed in", "Sign in to Airflow, then load this page again."),
    403: (
        "You may not do this",
        "Ask for a role that may, or load the page again if it has been open for long.",
    ),
    400: ("This can't be read", "Leave out what was typed by hand, or go on from the overview."),
    404: ("There is no such page", "Go on from the overview."),
    413: ("That is too much at once", "Choose fewer, then send the form again."),
}


def console_app(ports: Ports) -> FastAPI:
    """The app. Every route but the static files asks who is there before anything else."""
    # A redirect to an address with or without its last slash would name the host as this server is called.
    app = FastAPI(
        title="Retail sync", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.state.ports = ports
    for name in PAGES:
        app.include_router(import_module(f"retail_sync.console.pages.{name}").router)
    rendering.TEMPLATES.globals |= {
        name: import_module(f"retail_sync.console.views.{name}") for name in VIEWS
    }
    app.mount("/static", StaticFiles(directory=rendering.STATIC), name="static")
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(CannotStart, _cannot_start)
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(RequestValidationError, _not_readable)
    app.add_exception_handler(SyncError, _broken)
    app.add_exception_handler(Exception, _unforeseen)
    return app


def _told(request: Request, status: int, title: str, what: str, todo: str) -> Response:
    """A page without anything of the shop on it: nobody may have been asked who they are."""
    root = str(request.scope.get("root_path", "")).rstrip("/")
    told = rendering.page("told.html", {"root": root, "title": title, "what": what, "todo": todo}, status)
    if request.method == "POST":
        # Of a form that was refused, the rest is not read.
        told.headers["Connection"] = "close"
    return told


def _refused(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Refused)
    title, todo = REFUSALS[problem.status]
    return _told(request, problem.status, title, "", todo)


def _not_found(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    title, todo = REFUSALS.get(problem.status_code, ("This can't be done", "Go back and try again."))
    return _told(request, problem.status_code, title, "", todo)


def _not_readable(request: Request, _: Exception) -> Response:
    """A path whose number is none. FastAPI's own answer would repeat it."""
    title, todo = REFUSALS[404]
    return _told(request, 404, title, "", todo)


def _cannot_start(request: Request, problem: Exception) -> Response:
    return _told(
        request, 409, "The run was not started", str(problem), "What was decided before that is kept."
    )


def _broken(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, SyncError)
    return _told(request, 503, "The console can't show this now", problem.message, problem.remedy)


def _unforeseen(request: Request, problem: Exception) -> Response:
    log.error("The console failed at %s: %s", request.scope["path"], type(problem).__name__, exc_info=problem)
    return _told(
        request,
        500,
        "Something went wrong",
        "The log of the API server holds more.",
        "Load the page again; if it stays, tell who looks after this package.",
    )
