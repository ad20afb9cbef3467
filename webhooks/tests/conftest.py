"""A webhook of acme whose receiver is a server on this machine, a clock to turn, and what was put into the queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from minirag.lib.tests.conftest import OutsideServer, outside  # noqa: F401 - a fixture
from webhooks import tasks
from webhooks.event_types import EventType
from webhooks.events import emit
from webhooks.models import Delivery, Webhook
from webhooks.subscriptions import create_webhook

SECRET = "s3cret of acme"
PAYLOAD = {"source_id": "5e0d", "source_name": "Prüfung", "document_count": 1, "chunk_count": 3}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC) + timedelta(seconds=30)  # ahead of what the test writes

    def __call__(self) -> datetime:
        return self.moment

    def turn(self, **fields: float) -> None:
        self.moment += timedelta(**fields)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _open_loopback(settings) -> None:
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.fixture
def receiver(outside: OutsideServer) -> OutsideServer:
    outside.serve("/hook", b"thanks")
    return outside


def make_webhook(url: str, *events: str, **fields) -> Webhook:
    webhook, _ = create_webhook(
        url=url, events=events or ["source.ingested"], secret=fields.pop("secret", SECRET)
    )
    if fields:
        Webhook.objects.filter(pk=webhook.pk).update(**fields)
        webhook.refresh_from_db()
    return webhook


@pytest.fixture
def hook(in_acme, receiver) -> Webhook:
    return make_webhook(receiver.url("/hook"))


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, dict]]:
    """What was published, as (webhook id, options)."""
    messages: list[tuple[str, dict]] = []
    monkeypatch.setattr(
        tasks.deliver,
        "apply_async",
        lambda arguments, **options: messages.append((arguments[0], options)),
    )
    return messages


def tell(event_type: EventType = EventType.SOURCE_INGESTED, **payload) -> Delivery:
    """Emit an event for which there is one subscriber."""
    emit(event_type, payload or PAYLOAD)
    return Delivery.objects.order_by("-created_at", "-id")[0]
