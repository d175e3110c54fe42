"""Overview."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from include.console.visit import Looking

router = APIRouter()


@router.get("/")
def show(visit: Looking) -> Response:
    """The page."""
    return visit.page("overview.html")
