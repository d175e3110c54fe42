"""The receiver as an ASGI app: one address a tenant and kind of event, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from retail_sync.webhooks import eventgrid, lightspeed
from retail_sync.webhooks.addresses import UnloggedSecrets
from retail_sync.webhooks.answers import Refused
from retail_sync.webhooks.desk import Desk
from retail_sync.webhooks.limiting import Refusals
from retail_sync.webhooks.ports import Ports
from retail_sync.webhooks.pubsub import PubSub


def receiver_app(ports: Ports) -> Starlette:
    """The app, to be served or mounted under any prefix. It holds threads; they end with the app's lifespan, or with
    the process."""
    refusals = Refusals()
    desk, pubsub, signed = Desk(ports, refusals), PubSub(), lightspeed.Signed(refusals)

    async def not_routed(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, HTTPException)
        reason = "no such address" if problem.status_code == 404 else "no such method at this address"
        return await desk.refuse(request, Refused(problem.status_code, reason, problem.headers))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        desk.close()
        pubsub.tokens.close()

    app = Starlette(
        routes=[
            Route("/lightspeed/{tenant}/{topic}", desk.endpoint(signed.take), methods=["POST"]),
            Route(
                "/lightspeed/{tenant}/{topic}/{secret}", desk.endpoint(lightspeed.unsigned), methods=["POST"]
            ),
            Route("/pubsub/{tenant}", desk.endpoint(pubsub.push), methods=["POST"]),
            Route("/pubsub/{tenant}/{secret}", desk.endpoint(pubsub.push), methods=["POST"]),
            Route("/eventgrid/{tenant}/{secret}", desk.endpoint(eventgrid.take), methods=["OPTIONS", "POST"]),
        ],
        exception_handlers={HTTPException: not_routed},
        middleware=[Middleware(UnloggedSecrets)],
        lifespan=lifespan,
    )
    # A redirect would repeat the address, and no sender follows one.
    app.router.redirect_slashes = False
    return app
