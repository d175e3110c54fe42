"""Errors as the API words them: `{statusCode, message, errors: [{code, message, ...}]}`.

Codes and fields follow the official description (`*Error` schemas of the HTTP API).
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A request that is refused: HTTP status, code, message, and the extra fields of that code."""

    def __init__(self, status: int, code: str, message: str, **fields: Any) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.fields = {name: value for name, value in fields.items() if value is not None}
        self.headers: dict[str, str] = {}

    def body(self) -> Json:
        """The error document."""
        return {
            "statusCode": self.status,
            "message": self.message,
            "errors": [{"code": self.code, "message": self.message, **self.fields}],
        }


class AuthError(ApiError):
    """An error of the token endpoint or of the token itself; carries `error` as OAuth 2.0 wants."""

    def body(self) -> Json:
        return {**super().body(), "error": self.code, "error_description": self.message}


def invalid_json(detail: str) -> ApiError:
    return ApiError(
        400, "InvalidJsonInput", "Request body does not contain valid JSON.", detailedErrorMessage=detail
    )


def invalid_input(message: str) -> ApiError:
    return ApiError(400, "InvalidInput", message)


def malformed(parameter: str, detail: str) -> ApiError:
    return invalid_input(f"Malformed parameter: {parameter}: {detail}")


def invalid_operation(message: str) -> ApiError:
    return ApiError(400, "InvalidOperation", message)


def invalid_field(field: str, value: Any, message: str, allowed: list[Any] | None = None) -> ApiError:
    # Both fields are required by the description, also when the value is absent.
    error = ApiError(400, "InvalidField", message, field=field, allowedValues=allowed)
    error.fields["invalidValue"] = value
    return error


def required_field(field: str) -> ApiError:
    return ApiError(400, "RequiredField", f"A value is required for field '{field}'.", field=field)


def duplicate_field(field: str, value: Any) -> ApiError:
    message = f"A duplicate value '{value}' exists for field '{field}'."
    return ApiError(400, "DuplicateField", message, field=field, duplicateValue=value)


def reference_not_found(type_id: str, *, id: str | None = None, key: str | None = None) -> ApiError:
    named = f"identifier '{id}'" if id is not None else f"key '{key}'"
    message = f"The referenced object of type '{type_id}' with {named} was not found. It either doesn't exist, or it "
    message += "can't be accessed from this endpoint."
    return ApiError(400, "ReferencedResourceNotFound", message, typeId=type_id, id=id, key=key)


def resource_not_found(identifier: str) -> ApiError:
    return ApiError(404, "ResourceNotFound", f"The Resource with ID '{identifier}' was not found.")


def no_such_uri(path: str) -> ApiError:
    return ApiError(404, "ResourceNotFound", f"URI not found: {path}")


def concurrent_modification(expected: int, current: int, tell_current: bool) -> ApiError:
    message = f"Object has a different version than expected. Expected: {expected} - Actual: {current}."
    return ApiError(409, "ConcurrentModification", message, currentVersion=current if tell_current else None)
