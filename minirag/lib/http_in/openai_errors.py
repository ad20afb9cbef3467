"""Errors as OpenAI's clients expect them, on the paths that speak OpenAI's protocol."""

from __future__ import annotations

import re
from typing import Any

_PATHS = re.compile(r"/v1/(chat/completions|embeddings|responses|models(/.*)?)", re.DOTALL)
_TYPES = {
    401: "authentication_error", 402: "insufficient_quota", 403: "permission_error", 429: "rate_limit_error",
}  # fmt: skip


def speaks_openai(path: str) -> bool:
    """Whether a path, without a tenant's prefix, is one of OpenAI's protocol."""
    return _PATHS.fullmatch(path) is not None


def as_openai_error(
    status: int, payload: dict[str, Any], *, param: str | None = None
) -> dict[str, Any]:
    """Put one of our error bodies into OpenAI's shape; of several invalid fields it names the first."""
    detail = payload["detail"]
    if isinstance(detail, list):
        first = detail[0] if detail else {"loc": ("body",), "msg": "Invalid request"}
        param = ".".join(str(part) for part in first["loc"][1:]) or None
        detail = f"{param}: {first['msg']}" if param else first["msg"]
    if payload["code"] == "quota_exceeded":  # a 429 that waiting a moment does not end
        status = 402
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": detail, "type": kind, "param": param, "code": payload["code"]}}
