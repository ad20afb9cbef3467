"""Make, change and delete webhooks, try them, and have deliveries sent again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from minirag.lib.errors import BadInput, Conflict, NotFound
from minirag.lib.http_out.client import check_url
from minirag.lib.security.signing import STANDARD_PREFIX, check_secret, make_secret
from tenants.audit import compare, record
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature
from webhooks.delivering.attempts import EndpointAnswer, send
from webhooks.delivering.batch import current_secrets, pack_delivery, record_attempt
from webhooks.delivering.pausing import BY_HAND, pause, resume
from webhooks.delivering.pruning import forget_deliveries
from webhooks.event_types import SUBSCRIBABLE, EventType
from webhooks.models import Delivery, DeliveryStatus, Webhook
from webhooks.tasks import queue_webhooks


def find_webhook(webhook_id: UUID) -> Webhook:
    """Return a webhook, active or paused. Raises NotFound with the contract's sentence."""
    webhook = Webhook.objects.filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound(gettext("Webhook not found"))
    return webhook


def find_delivery(webhook_id: UUID, delivery_id: UUID) -> Delivery:
    delivery = Delivery.objects.filter(pk=delivery_id, webhook=find_webhook(webhook_id)).first()
    if delivery is None:
        raise NotFound(gettext("Delivery not found"))
    return delivery


def create_webhook(
    *, url: str, events: Sequence[str], description: str = "", secret: str = ""
) -> tuple[Webhook, str]:
    """Make a webhook; returns it and its secret, which cannot be read again. Without one a secret is made.

    Raises NotInPlan, BadInput for events and secrets, OutboundError (422 too) for an address.
    """
    require_feature(Feature.WEBHOOKS)
    secret = secret or make_secret()
    try:
        check_secret(secret)
    except ValueError as error:
        raise BadInput(
            gettext("The secret cannot be used: %(error)s.") % {"error": error},
            code="secret_invalid",
        ) from None
    webhook = Webhook(url=vet_address(url), events=vet_events(events), description=description)
    webhook.set_secret(secret)
    with transaction.atomic():
        webhook.save(force_insert=True)
        _note("created", webhook, events=webhook.events)
    return webhook, secret


def vet_address(url: str) -> str:
    """Return the URL as it is kept. Raises OutboundError for what is refused without a look-up."""
    check_url(url, allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
    return url.strip()


def vet_events(events: Sequence[str]) -> list[str]:
    """Return the events without repetitions. Raises BadInput with the contract's sentence."""
    for name in events:
        if name not in SUBSCRIBABLE:
            raise BadInput(
                gettext("Invalid event type: %(what)s. Valid: %(what2)s")
                % {"what": name[:100], "what2": list(SUBSCRIBABLE)},
                code="event_unknown",
            )
    return list(dict.fromkeys(events))


def update_webhook(webhook: Webhook, changes: dict[str, Any]) -> Webhook:
    """Change only the given fields of url, events, description and is_active; the last one pauses or goes on.

    A new address starts with a clean slate: the failures of the old one do not count against it.
    """
    cleared: list[str] = []
    if "url" in changes:
        changes["url"] = vet_address(changes["url"])
        if changes["url"] != webhook.url:
            cleared = webhook.forget_failures()
    if "events" in changes:
        changes["events"] = vet_events(changes["events"])
    compared = compare(webhook, changes)
    is_active = changes.pop("is_active", None)
    with transaction.atomic():
        for name, value in changes.items():
            setattr(webhook, name, value)
        webhook.save(update_fields=[*changes, *cleared, "updated_at"])
        if is_active is not None:
            switch_webhook(webhook, is_active)
        _note("changed", webhook, compared, fields=sorted(compared))
    return webhook


def switch_webhook(webhook: Webhook, is_active: bool) -> None:
    """Pause a webhook by hand, or have it go on with what was held."""
    if is_active:
        if resume(webhook):
            transaction.on_commit(partial(queue_webhooks, [webhook.pk]))
    else:
        pause(webhook, BY_HAND)


def delete_webhook(webhook_id: UUID) -> None:
    """Delete a webhook with its deliveries, for good."""
    webhook = find_webhook(webhook_id)
    with transaction.atomic():
        # A turn that just ends may be writing a delivery, which would be left over.
        Webhook.objects.select_for_update().filter(pk=webhook.pk).exists()
        forget_deliveries(Delivery.objects.filter(webhook=webhook))
        _note("deleted", webhook)
        webhook.delete()


def rotate_secret(webhook: Webhook, *, overlap: timedelta) -> str:
    """Give a webhook a new secret of the same kind and return it; both sign until `overlap` has passed."""
    with transaction.atomic():
        # The caller's copy may be two changes old, and a secret that was just given out would be lost.
        if not Webhook.objects.select_for_update().filter(pk=webhook.pk).exists():
            raise NotFound(gettext("Webhook not found"))
        webhook.refresh_from_db(fields=["encrypted_secret"])
        secret = make_secret(standard=webhook.reveal_secret().startswith(STANDARD_PREFIX))
        keeps = bool(overlap) and webhook.has_secret
        webhook.encrypted_previous_secret = webhook.encrypted_secret if keeps else ""
        webhook.previous_secret_until = timezone.now() + overlap if keeps else None
        webhook.set_secret(secret)
        webhook.save(
            update_fields=[
                "encrypted_secret",
                "encrypted_previous_secret",
                "previous_secret_until",
                "updated_at",
            ]
        )
        _note("secret_rotated", webhook, overlap_hours=overlap.total_seconds() / 3600)
    return secret


def send_test(webhook: Webhook) -> tuple[Delivery, EndpointAnswer]:
    """Post a `test.ping` at once, also to a paused webhook; it is logged, and never sent again by itself."""
    body = json.dumps({"event": EventType.TEST_PING.value, "webhook_id": str(webhook.pk)})
    delivery = Delivery.objects.start_test(webhook, body)
    now = timezone.now()
    parcel = pack_delivery(webhook, delivery, current_secrets(webhook, now), now)
    answer = send(parcel)
    record_attempt(delivery, parcel, answer, timezone.now())
    _note("tested", webhook, delivery_id=delivery.pk)
    return delivery, answer


def redeliver(delivery: Delivery) -> Delivery:
    """Send a delivery again, whatever became of it, under its old id. Raises Conflict while its webhook is paused."""
    _require_active(delivery.webhook)
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).put_back()
        _note("redelivered", delivery.webhook, delivery_id=delivery.pk)
    transaction.on_commit(partial(queue_webhooks, [delivery.webhook_id]))
    delivery.refresh_from_db()
    return delivery


def redeliver_failed(
    webhook: Webhook,
    *,
    event_type: str | None = None,
    since: datetime | None = None,
    limit: int = 1000,
) -> tuple[int, bool]:
    """Send the oldest failed deliveries again, at most `limit`; returns how many, and whether there are more.

    Raises Conflict while the webhook is paused.
    """
    _require_active(webhook)
    failed = Delivery.objects.filter(webhook=webhook, status=DeliveryStatus.FAILED)
    failed = failed.exclude(event_type=EventType.TEST_PING)
    if event_type:
        failed = failed.filter(event_type=event_type)
    if since:
        failed = failed.filter(created_at__gte=since)
    chosen = list(failed.order_by("created_at", "id").values_list("pk", flat=True)[: limit + 1])
    with transaction.atomic():
        count = failed.filter(pk__in=chosen[:limit]).put_back()
        _note("redelivered", webhook, count=count)
    transaction.on_commit(partial(queue_webhooks, [webhook.pk]))
    return count, len(chosen) > limit


def _note(
    what: str, webhook: Webhook, changes: dict[str, Any] | None = None, **detail: Any
) -> None:
    """Write down what was done; an address may hold a secret, so it is not told."""
    told = {name: "…" if name == "url" else change for name, change in (changes or {}).items()}
    record(
        f"webhook.{what}",
        changes=told if changes is not None else None,
        detail={"id": str(webhook.pk), "webhook_id": str(webhook.pk), **detail},
    )


def _require_active(webhook: Webhook) -> None:
    if not webhook.is_active:
        raise Conflict(
            gettext("This webhook is paused. Switch it on first; what is held is sent then."),
            code="webhook_paused",
        )
