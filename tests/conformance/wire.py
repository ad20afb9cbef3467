"""What the conformance tests share: accounts, a webhooks' receiver, and the key sets of the contract."""

from __future__ import annotations

import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

PASSWORD = "correct horse battery"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")
NOBODY = "00000000-0000-4000-8000-000000000000"

TENANT = {"id", "name", "slug", "is_active", "plan"}
USER = {"id", "tenant_id", "email", "display_name", "role", "is_active"}
TOKEN = {
    "id",
    "tenant_id",
    "name",
    "token_prefix",
    "is_active",
    "expires_at",
    "last_used_at",
    "created_at",
}
BOT = {
    "id",
    "tenant_id",
    "name",
    "description",
    "model",
    "embedding_model",
    "system_prompt",
    "temperature",
    "max_tokens",
    "has_credentials",
    "is_active",
    "created_at",
    "updated_at",
}
SOURCE = {
    "id",
    "tenant_id",
    "bot_profile_id",
    "parent_id",
    "name",
    "description",
    "source_type",
    "status",
    "config",
    "document_count",
    "chunk_count",
    "error_message",
    "is_active",
    "refresh_schedule",
    "last_refreshed_at",
    "children_count",
    "created_at",
    "updated_at",
}
CHAT = {
    "id",
    "tenant_id",
    "bot_profile_id",
    "title",
    "message_count",
    "total_prompt_tokens",
    "total_completion_tokens",
    "created_at",
    "updated_at",
}
MESSAGE = {
    "id",
    "chat_id",
    "role",
    "content",
    "prompt_tokens",
    "completion_tokens",
    "feedback",
    "created_at",
}
WEBHOOK = {
    "id",
    "tenant_id",
    "url",
    "events",
    "is_active",
    "description",
    "has_secret",
    "created_at",
    "updated_at",
}
USAGE = {"model", "prompt_tokens", "completion_tokens", "total_tokens"}


@dataclass
class Account:
    """A tenant on the server and its owner's client."""

    base_url: str
    slug: str
    email: str
    tenant: dict[str, Any]
    token: str
    token_prefix: str
    client: httpx.Client = field(repr=False)

    def add_person(self, role: str) -> httpx.Client:
        """Make a user of the tenant and log in; returns the client with the user's JWT."""
        email = f"{role}-{secrets.token_hex(4)}@{self.slug}.example.com"
        made = self.client.post(
            "/v1/users", json={"email": email, "password": PASSWORD, "role": role}
        )
        assert made.status_code == 201, made.text
        entered = self.client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
        assert entered.status_code == 200, entered.text
        return open_client(self.base_url, entered.json()["access_token"])


def open_client(base_url: str, token: str) -> httpx.Client:
    return httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def sign_up(base_url: str, name: str) -> Account:
    slug = f"{name}-{secrets.token_hex(4)}"
    email = f"owner@{slug}.example.com"
    made = httpx.post(
        f"{base_url}/v1/tenants", json=bootstrap(slug, email, name=name.title()), timeout=60
    )
    assert made.status_code != 429, (
        "the server limits sign-ups: start it with SIGNUP_RATE=0 and LOGIN_RATE=0"
    )
    assert made.status_code == 201, f"{made.status_code} {made.text}"
    body = made.json()
    client = open_client(base_url, body["api_token"])
    return Account(
        base_url, slug, email, body["tenant"], body["api_token"], body["token_prefix"], client
    )


def bootstrap(slug: str, email: str, **fields: Any) -> dict[str, Any]:
    """The body of `POST /v1/tenants`."""
    name = fields.pop("name", slug)
    return {
        "tenant_name": name,
        "tenant_slug": slug,
        "owner_email": email,
        "owner_password": PASSWORD,
        **fields,
    }


def make_bot(client: httpx.Client, **fields: Any) -> str:
    made = client.post("/v1/bot-profiles", json={"name": "Bot", **fields})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def make_source(client: httpx.Client, bot: str, **fields: Any) -> dict[str, Any]:
    body = {
        "bot_profile_id": bot,
        "name": "Notes",
        "source_type": "text",
        "content": "Nothing much.",
        **fields,
    }
    made = client.post("/v1/sources", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def teach(client: httpx.Client, bot: str, text: str) -> str:
    source_id = make_source(client, bot, content=text)["id"]
    assert client.post(f"/v1/sources/{source_id}/ingest").status_code == 202
    assert settled(client, source_id)["status"] == "ready"
    return source_id


def settled(client: httpx.Client, source_id: str) -> dict[str, Any]:
    """Wait until a source's ingestion ended; returns the source."""
    found: dict[str, Any] = {}

    def has_ended() -> bool:
        found.update(client.get(f"/v1/sources/{source_id}").json())
        return found["status"] in ("ready", "error")

    wait_for(has_ended)
    return found


def wait_for(condition: Callable[[], Any], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def read_stream(client: httpx.Client, **question: Any) -> tuple[httpx.Response, str]:
    """Ask with `stream: true`; returns the response and its whole text."""
    with client.stream("POST", "/v1/chat", json={**question, "stream": True}) as response:
        return response, response.read().decode()


def is_uuid4(text: str) -> bool:
    return uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text


def assert_detail(response: httpx.Response, status: int, detail: str) -> None:
    assert response.status_code == status, response.text
    assert response.json()["detail"] == detail


def assert_invalid(
    response: httpx.Response, *loc: str | int, kind: str | None = None
) -> dict[str, Any]:
    """Assert a 422 with a list that has an error at `loc`; returns that error."""
    assert response.status_code == 422, response.text
    detail = response.json()["detail"]
    assert isinstance(detail, list), detail
    found = next((error for error in detail if error["loc"] == list(loc)), None)
    assert found is not None, detail
    assert {"type", "loc", "msg", "input"} <= set(found)
    assert kind is None or found["type"] == kind, found
    return found


class Receiver:
    """A webhooks' receiver on this machine: remembers every request's headers and raw body."""

    def __init__(self, status: int = 200) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.status = status

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.requests.append(
                    ({name.lower(): text for name, text in self.headers.items()}, body)
                )
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Be silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def await_event(self, event: str) -> tuple[dict[str, str], bytes]:
        """Return headers and body of the first request of this event."""

        def find() -> tuple[dict[str, str], bytes] | None:
            return next(
                (each for each in self.requests if each[0].get("x-minirag-event") == event), None
            )

        wait_for(find)
        found = find()
        assert found is not None
        return found
