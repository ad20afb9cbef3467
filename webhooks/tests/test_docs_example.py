"""The receiver of docs/webhooks.md, run as it is printed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.ports import find_port
from webhooks.delivering.batch import deliver_batch
from webhooks.models import Delivery
from webhooks.tests.conftest import SECRET, make_webhook, tell

PAGE = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"


@pytest.fixture
def example():
    """The receiver as a process of its own; gives its port and itself."""
    [program] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    port = find_port()
    environment = {**os.environ, "SECRET": SECRET, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 60
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    yield port, process
    process.kill()
    process.wait()


def test_the_receiver_takes_what_we_sign_once_and_nothing_else(in_acme, example, sent):
    port, process = example
    hook = make_webhook(f"http://127.0.0.1:{port}/")
    delivery = tell()
    for _ in range(2):
        deliver_batch(hook.pk)
        assert Delivery.objects.get().status == "delivered"
        Delivery.objects.update(
            status="pending", attempts_left=3, next_attempt_at=delivery.created_at
        )
    forged = {
        "webhook-id": "1",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": "v1,AAAA",
    }
    assert httpx.post(f"http://127.0.0.1:{port}/", content=b"{}", headers=forged).status_code == 401
    process.kill()
    printed = process.stdout.read().splitlines()
    assert printed == [f"source.ingested {delivery.body}"]
