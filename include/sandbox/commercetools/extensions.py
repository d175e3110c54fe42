"""API Extensions: code of the merchant's that the API asks before it keeps a write.

An extension is called synchronously with the resource as it would be stored. It answers with update actions, which are
applied before anything is kept, or with errors: then the request is refused as a whole with status 400, the words of
the extension, and its name in `errorByExtension` (schema `ErrorByExtension`). Products trigger extensions on creation
and update since 24 September 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.commercetools.errors import ApiError, Json

Trigger = Literal["Create", "Update"]


class Refused(Exception):
    """What an extension raises to refuse a write, in its own words. `code`: one of the API's for bad input."""

    def __init__(self, message: str, code: str = "InvalidInput") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Extension:
    """`respond`: gets what triggered it and a copy of the resource, and returns update actions; may raise `Refused`."""

    key: str
    type_id: str
    respond: Callable[[Trigger, Json], Sequence[Json]]
    triggers: frozenset[Trigger] = frozenset({"Create", "Update"})

    def called(self, type_id: str, trigger: Trigger, resource: Json) -> Sequence[Json]:
        """The update actions it answers with; raises its refusal as the API words it."""
        if type_id != self.type_id or trigger not in self.triggers:
            return ()
        try:
            return self.respond(trigger, resource)
        except Refused as refusal:
            named = {"id": self.key, "key": self.key}
            raise ApiError(400, refusal.code, refusal.message, errorByExtension=named) from None
