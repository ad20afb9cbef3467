"""The headers that requests take and answers carry, as the OpenAPI document describes them."""

from __future__ import annotations

from minirag.lib.openapi.schemas import Schema

HEADERS: dict[str, Schema] = {
    "X-Request-ID": {
        "description": "The id of the request: yours, or one that was made. It is in our logs.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "X-RateLimit-Limit": {
        "description": "Calls in the window that is closest to full.",
        "schema": {"type": "integer"},
    },
    "X-RateLimit-Remaining": {"description": "Calls left in it.", "schema": {"type": "integer"}},
    "X-RateLimit-Reset": {
        "description": "Seconds until it has room again.",
        "schema": {"type": "integer"},
    },
    "X-Next-Cursor": {
        "description": "`cursor` of the next page, when there is one.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": '`<…>; rel="next"`, when there is a next page.',
        "schema": {"type": "string"},
    },
    "X-Ignored-Fields": {
        "description": "What was sent and is not known here, if anything was; percent-encoded.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Changes with what a PATCH or PUT can change; send it back as `If-Match`.",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true` when this is the stored answer of an earlier request.",
        "schema": {"type": "string"},
    },
}

PARAMETERS: dict[str, Schema] = {
    "X-Request-ID": {
        "name": "X-Request-ID",
        "in": "header",
        "description": "An id of your own for this request; without it, or with an odd one, one is made.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,64}$"},
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and body within 24 hours get the answer of the first request again.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` of what you have read: done only if nobody has changed it since "
        "(409 `changed_meanwhile`). `*`, or none: done whatever it is now.",
        "schema": {"type": "string", "examples": ["*"]},
    },
}
