"""Webhooks by the whole product: kill -9 in the middle of a delivery, and a receiver that takes its time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.wire import Receiver
from tests.product import CHECKOUT, Product, TenantAccount
from tests.test_crash import find_processes, let_time_pass

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

EMIT = """
import os, signal, sys
from django.db import transaction
import webhooks.events
from tenants.context import tenant_context
from tenants.models import Tenant
from webhooks.event_types import EventType
if sys.argv[3] == "dies":
    webhooks.events.queue_webhooks = lambda ids: os.kill(os.getpid(), signal.SIGKILL)
with tenant_context(Tenant.objects.get(slug=sys.argv[1])), transaction.atomic():
    webhooks.events.emit(EventType(sys.argv[2]), {"case": sys.argv[3]})
"""


class HeldReceiver(Receiver):
    """Notes what comes at once, calls `on_request` the first time, and answers only when it is told to."""

    def __init__(self, on_request: Callable[[], Any] = lambda: None) -> None:
        super().__init__()
        self.released = threading.Event()
        self._once = [on_request]

    @property
    def status(self) -> int:
        if self._once:
            self._once.pop()()
        self.released.wait(60)
        return 200

    @status.setter
    def status(self, value: int) -> None:
        """It is always 200."""


def emit_in_a_process(product: Product, slug: str, event: str, case: str) -> int:
    """Emit an event in a process of its own, which commits; with the case "dies" it is killed right after that."""
    program = f"import django\ndjango.setup()\n{EMIT}"
    environment = {
        **product.environment,
        "DJANGO_SETTINGS_MODULE": "minirag.settings",
        "PYTHONPATH": str(CHECKOUT),
    }
    secrets = read_worker_environment(product)
    return subprocess.run(
        [sys.executable, "-c", program, slug, event, case],
        cwd=CHECKOUT,
        env={**secrets, **environment},
        timeout=600,
    ).returncode


def read_worker_environment(product: Product) -> dict[str, str]:
    """The secrets that `manage.py up` made, as its worker has them."""
    pid = find_processes(product, "celery", "worker")[0]
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def subscribe(account: TenantAccount, url: str, event: str) -> str:
    made = account.client.post("/v1/webhooks", json={"url": url, "events": [event]})
    assert made.status_code == 201, made.text
    return made.json()["id"]


def wait_for_delivery(
    account: TenantAccount, webhook_id: str, *, seconds: float = 240
) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        path = f"/v1/webhooks/{webhook_id}/deliveries"
        for found in account.client.get(path, params={"status": "delivered"}).json()["items"]:
            return account.client.get(f"{path}/{found['id']}").json()
        assert time.monotonic() < deadline, account.client.get(path).text
        time.sleep(0.2)


def test_whatever_is_killed_an_event_arrives_and_a_repeat_has_the_same_id(product):
    account = product.sign_up("crash-hooks")

    def kill_workers() -> None:
        for pid in find_processes(product, "celery", "worker"):
            os.kill(pid, signal.SIGKILL)
        held.released.set()

    with Receiver() as receiver, HeldReceiver(kill_workers) as held:
        between_commit_and_send = subscribe(account, receiver.url, "source.failed")
        between_send_and_record = subscribe(account, held.url, "feedback.given")
        assert emit_in_a_process(product, account.slug, "source.failed", "dies") == -signal.SIGKILL
        assert emit_in_a_process(product, account.slug, "feedback.given", "lives") == 0
        assert held.released.wait(120), "no worker has delivered, so none was killed"
        let_time_pass(product, account)
        first = wait_for_delivery(account, between_commit_and_send)
        second = wait_for_delivery(account, between_send_and_record)
    assert [body for _, body in receiver.requests] == [b'{"case": "dies"}']
    assert receiver.requests[0][0]["webhook-id"] == first["id"]
    assert [json.loads(body) for _, body in held.requests] == [{"case": "lives"}] * 2
    assert {headers["webhook-id"] for headers, _ in held.requests} == {second["id"]}
    assert second["attempts"] == 2 and [attempt["number"] for attempt in second["log"]] == [2]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_does_not_wait_for_a_slow_receiver(product, stream):
    account = product.sign_up(f"slow-hooks-{'stream' if stream else 'json'}")
    bot_id = product.make_bot(account)
    product.teach_text(account, bot_id, "# Warranty\n\nThe Aeris One has a warranty of 36 months.")
    with HeldReceiver() as held:
        webhook_id = subscribe(account, held.url, "chat.message")
        body = {
            "bot_profile_id": bot_id,
            "message": "How long is the warranty of the Aeris One?",
            "stream": stream,
        }
        for turn in range(2):  # the second while the receiver still holds the first
            answer = account.client.post("/v1/chat", json=body)
            assert answer.status_code == 200 and "36" in answer.text, turn
            held.await_event("chat.message")
        assert not held.released.is_set(), "the receiver has answered nothing yet"
        held.released.set()
        told = wait_for_delivery(account, webhook_id)
    payload = json.loads(told["request_body"])
    assert payload["bot_profile_id"] == bot_id and set(payload) == {
        "chat_id",
        "message_id",
        "bot_profile_id",
    }
