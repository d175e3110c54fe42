"""The app: the store's routes, its request budget, and its faults around everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from sandbox.faults import Faults, install_faults
from sandbox.lightspeed import (
    routes_admin,
    routes_consignments,
    routes_entities,
    routes_price_books,
    routes_products,
    routes_sales,
    routes_search,
    routes_shop,
    routes_stock,
)
from sandbox.lightspeed.errors import ApiError
from sandbox.lightspeed.limits import RateLimit
from sandbox.lightspeed.store import LightspeedStore
from sandbox.lightspeed.web import refused, unknown_route
from sandbox.request_line import RequestLineLimit


def create_app(store: LightspeedStore, faults: Faults) -> FastAPI:
    """Serves `store` as the X-Series API; `faults` may spoil answers before and after the work is done."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store.hooks.open()
        yield
        await asyncio.to_thread(store.hooks.close)

    app = FastAPI(
        title="Lightspeed Retail X-Series stand-in",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    app.state.lightspeed_store = store
    app.add_exception_handler(ApiError, refused)
    app.add_exception_handler(HTTPException, unknown_route)
    for part in (
        routes_shop.tokens_router,
        routes_products.router,
        routes_search.router,
        routes_stock.router,
        routes_sales.router,
        routes_consignments.router,
        routes_shop.router,
        routes_price_books.router,
        routes_entities.router,
        routes_admin.router,
    ):
        # The routes themselves, not copies: to make them takes longer than most tests that open a store.
        app.router.routes.extend(part.routes)
    app.add_middleware(RateLimit, store=store)
    app.add_middleware(RequestLineLimit)
    install_faults(app, faults)
    return app
