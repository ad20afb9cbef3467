"""The one body of an error on the wire, whether it is found by a view, a middleware or the server itself."""

from __future__ import annotations

from typing import Any

from minirag.lib.errors import ProductError
from minirag.lib.http_in.openai_errors import as_openai_error, speaks_openai


def error_body(error: ProductError, request_id: str, *, path: str = "") -> dict[str, Any]:
    """Return `{detail, code, request_id, retryable}`, or OpenAI's shape on a `path` that speaks its protocol.

    For an error about fields, `errors` takes the place of the sentence.
    """
    payload = {
        "detail": getattr(error, "errors", error.detail),
        "code": error.code,
        "request_id": request_id,
        "retryable": error.retryable,
    }
    if speaks_openai(path):
        return as_openai_error(error.status, payload, param=getattr(error, "param", None))
    return payload
