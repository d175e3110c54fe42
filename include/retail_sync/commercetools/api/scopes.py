"""Scopes of an API client: what a grant allows."""

from __future__ import annotations


def covers(granted: frozenset[str], scope: str, project: str) -> bool:
    """Whether these scopes allow what `scope` does: managing includes viewing."""
    wanted = {f"{scope}:{project}", f"{scope.replace('view_', 'manage_')}:{project}"}
    return bool(wanted & granted)
