"""The installation of a run: two web processes, durable embedded servers, tenants with a bot, a webhook and a mark."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench.chaos.ledger import Ledger
from bench.chaos.machine import Clock
from bench.product import BenchProduct
from tests.fakes.openai_server import FakeOpenAI
from tests.product import TenantAccount

EVENTS = ["chat.message", "source.ingested"]


class ChaosProduct(BenchProduct):
    """What `make run` gives on two cores, without the demo, and with a clock that people would not wait for."""

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        super().__init__(directory)
        self.options, self.clock = ("--no-demo", "--web-processes", "2"), clock

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **(self.clock.environment if self.clock else {})}


@dataclass
class Receiver:
    """What takes the webhooks of all tenants, each on a path of its own: `received` has mark, delivery id and body."""

    received: list[tuple[str, str, str]] = field(default_factory=list)

    def __enter__(self) -> Receiver:
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                received.append((self.path[1:], self.headers["X-MiniRAG-Delivery"], body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"


@dataclass
class Member:
    """A tenant of the run."""

    account: TenantAccount
    bot_id: str
    ledger: Ledger

    @property
    def schema(self) -> str:
        return f"t_{self.account.slug.replace('-', '_')}"


def settle_in(
    product: BenchProduct, provider: FakeOpenAI, receiver: Receiver, tenants: int
) -> list[Member]:
    """Signs up so many tenants, each with a bot that repeats what it is asked, and knows its tenant's mark."""
    return [_settle_one(product, provider, receiver, number) for number in range(tenants)]


def _settle_one(
    product: BenchProduct, provider: FakeOpenAI, receiver: Receiver, number: int
) -> Member:
    mark = f"mark-{secrets.token_hex(4)}"
    account = product.sign_up(f"chaos-{number}")
    credentials = {"api_key": "sk-chaos", "api_base": provider.base_url}
    bot_id = product.make_bot(account, model="openai/steady-30", credentials=credentials)
    settings: dict[str, Any] = {"refuses": False, "is_public": True}
    account.client.patch(f"/v1/bot-profiles/{bot_id}/settings", json=settings).raise_for_status()
    hook = {"url": f"{receiver.base_url}/{mark}", "events": EVENTS}
    account.client.post("/v1/webhooks", json=hook).raise_for_status()
    return Member(account, bot_id, Ledger(mark))


def read_events(receiver: Receiver, mark: str) -> list[tuple[str, dict[str, Any]]]:
    """Delivery id and body of what came on a tenant's path."""
    return [
        (delivery, json.loads(body)) for path, delivery, body in receiver.received if path == mark
    ]
