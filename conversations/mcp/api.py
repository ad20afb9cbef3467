"""`/v1/mcp`: the tenant's knowledge for programs that are agents, over the Model Context Protocol.

Each message is a request of its own, with the token that any other call of `/v1` has; there are no sessions. So rates,
rights, groups and quotas are those of that token, and a flood ends in 429 before the protocol is looked at.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from conversations.mcp.callers import Caller
from conversations.mcp.schemas import RPC_STREAM, RpcMessage, RpcReply
from conversations.mcp.serving import answer
from minirag.lib.errors import Forbidden
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import API_DOOR
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.reading import read_bytes
from minirag.lib.http_in.rest import on_loop
from minirag.lib.starting.readiness import require_taking_work
from minirag.lib.strict_json import InvalidJSON, UnstorableText, parse_json
from tenants.authentication import require_identity
from tenants.calls.permissions import require_right, require_role
from tenants.models import Right

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
LONGEST_ID: Final = 200
_KEPT_HEADERS: Final = frozenset({"accept", "content-type", "host"})


@describe(
    "Talk to the MCP server", method="POST", body=RpcMessage,
    answers={200: (RpcReply, RPC_STREAM), 202: None, 400: RpcReply, 404: RpcReply, 406: RpcReply},
    description="The Model Context Protocol over streamable HTTP, without sessions: tools `search`, `ask` and "
    "`list_sources`, documents as resources. See docs/agents.md. What is no message of the protocol is answered with "
    "an error of JSON-RPC.",
    errors={
        403: "`origin_not_allowed`: a page of another site calls, or the token may not ask.",
    },
    examples={"list": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}},
)  # fmt: skip
@on_loop("POST", API_DOOR)
async def mcp_messages(request: HttpRequest) -> HttpResponseBase:
    """Take one message. There is no GET: what is told is told with an answer."""
    try:
        return await _take(request)
    except (InvalidJSON, UnstorableText) as error:
        return _refuse(PARSE_ERROR, error.reason)


async def _take(request: HttpRequest) -> HttpResponseBase:
    identity, arrival = require_identity(request), Arrival.of_request(request)
    require_role(identity.user, Right.CHAT, "models")
    require_right(identity.token, Right.CHAT)
    _require_origin(arrival)
    require_taking_work()
    if request.content_type != "application/json":
        return _refuse(INVALID_REQUEST, "A message is application/json.")
    body = await asyncio.to_thread(read_bytes, request)
    message = await asyncio.to_thread(parse_json, body)
    if not isinstance(message, dict):
        return _refuse(INVALID_REQUEST, "One message at a time, as an object.")
    if message.get("jsonrpc") != "2.0":
        return _refuse(INVALID_REQUEST, 'A message says "jsonrpc": "2.0".')
    if not {"method", "result", "error"} & message.keys():
        return _refuse(INVALID_REQUEST, "A message names a method, or answers one.")
    if not isinstance(message.get("params", {}), dict):
        return _refuse(INVALID_REQUEST, "What a method is given is an object.")
    if not isinstance(message.get("method", ""), str):
        return _refuse(INVALID_REQUEST, "A method is named by a text.")
    if "id" in message and not _is_id(message["id"]):
        return _refuse(INVALID_REQUEST, "An id is a number, or a text of up to 200 characters.")
    if len(message.get("method", "")) > LONGEST_ID:
        return _refuse(INVALID_REQUEST, "There is no method of such a name.")
    headers = {
        name: value
        for name, value in arrival.headers.items()
        if name in _KEPT_HEADERS or name.startswith("mcp-")
    }
    # Who says nothing, or that anything will do, gets one object.
    accepted = headers.get("accept", "*/*").lower()
    is_stream = "text/event-stream" in accepted
    if "*" in accepted:
        headers["accept"] = "application/json" + (", text/event-stream" if is_stream else "")
    caller = Caller(identity, request.request_id, arrival.languages)  # type: ignore[attr-defined]
    return await answer(caller, headers, body, is_stream=is_stream)


def _require_origin(arrival: Arrival) -> None:
    """Only pages that may call the API at all may call it as agents: a browser is no place for a token."""
    origin = arrival.origin
    if origin is None or origin.lower() == arrival.own_origin:
        return
    if settings.CORS_ALLOW_ALL_ORIGINS or origin not in settings.CORS_ALLOWED_ORIGINS:
        raise Forbidden("Pages of this site may not call this.", code="origin_not_allowed")


def _is_id(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_ID
    return type(value) is int and abs(value) < 2**63


def _refuse(code: int, message: str) -> JsonResponse:
    error: dict[str, Any] = {"code": code, "message": message}
    return JsonResponse({"jsonrpc": "2.0", "id": None, "error": error}, status=400)
