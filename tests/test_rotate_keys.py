"""After `manage.py rotate_keys` an old encryption key can be dropped: nothing is under it, in no tenant."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.cache import cache
from django.core.management import CommandError, call_command

from bots.models import BotProfile, ProviderCredential
from bots.profiles import create_bot
from bots.providers.changing import keep_key
from knowledge.models import Source
from knowledge.sources.changing import (
    create_source,
)
from knowledge.sources.configs import reveal_secret
from minirag.ai.credentials import Credentials
from minirag.lib.http_in.idempotency import Kept, claim, keep
from minirag.lib.security.crypto import DecryptionFailed
from minirag.operations import resealing
from tenants.context import tenant_context
from tenants.models import AuditEvent, TenantStatus
from webhooks.models import Webhook

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
ANSWER = "minirag:idempotency:t_acme:of-the-rotation"


@pytest.fixture(autouse=True)
def kept_answer(settings):
    """An answer with a token in it, kept under the old key, and none that another test has kept."""
    client = cache._cache.get_client()
    for key in client.scan_iter("minirag:idempotency:*"):
        client.delete(key)
    settings.ENCRYPTION_KEYS = [OLD]
    keep(ANSWER, "print", Kept(201, {}, b"a secret token"))
    yield
    client.delete(ANSWER)


def furnish(party, secret):
    """Two bots, a provider key, a webhook amid a change of its secret, and an external source, also a deleted one."""
    with tenant_context(party.tenant):
        for number in range(2):
            bot = create_bot({"name": f"B{number}"}, credentials=Credentials(api_key=secret))
        keep_key("House", "openai", secret)
        webhook = Webhook(url="https://hooks.example.com/in", events=[])
        webhook.set_secret(secret)
        webhook.encrypted_previous_secret = webhook.encrypted_secret
        webhook.save()
        config = {"base_url": "https://axiom.example.com", "api_token": secret, "limit": 7}
        fields = {"bot_profile_id": bot.pk, "source_type": "nyxcore", "name": "N", "config": config}
        create_source(fields)
        Source.objects.filter(pk=create_source(fields).pk).update(deleted_at=bot.created_at)


def read_all(party):
    with tenant_context(party.tenant):
        webhook = Webhook.objects.get()
        return {
            *(each.credentials.api_key for each in ProviderCredential.objects.all()),
            *(bot.credentials.api_key for bot in BotProfile.objects.all()),
            *(reveal_secret(source) for source in Source.objects.all()),
            webhook.reveal_secret(), webhook.reveal_previous_secret(),
        }  # fmt: skip


def rotate(**options):
    out, err = StringIO(), StringIO()
    call_command("rotate_keys", stdout=out, stderr=err, **options)
    return out.getvalue()


@pytest.fixture
def furnished(acme, globex):
    furnish(acme, "s3cret-of-acme")
    furnish(globex, "s3cret-of-globex")


def test_every_tenants_secrets_move_and_the_old_key_can_be_dropped(
    acme, globex, furnished, settings, monkeypatch
):
    globex.tenant.status = TenantStatus.ARCHIVED
    globex.tenant.save(update_fields=["status"])
    monkeypatch.setattr(resealing, "BATCH", 1)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="without --check"):
        rotate(check=True)
    said = rotate()
    assert "acme: 6" in said and "globex: 6" in said and "13 were re-encrypted" in said
    settings.ENCRYPTION_KEYS = [NEW]
    assert read_all(acme) == {"s3cret-of-acme"} and read_all(globex) == {"s3cret-of-globex"}
    assert claim(ANSWER, "print").body == b"a secret token"
    assert "0 are under an older key" in rotate(check=True)
    event = AuditEvent.objects.get(action="keys.rotated")
    assert event.detail["resealed"] == 13 and "s3cret" not in str(event.detail)


def test_nothing_else_of_a_row_changes(acme, globex, furnished, settings):
    with tenant_context(acme.tenant):
        before = list(Source.objects.order_by("pk").values("updated_at", "name", "config__limit"))
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    rotate()
    with tenant_context(acme.tenant):
        after = list(Source.objects.order_by("pk").values("updated_at", "name", "config__limit"))
    assert before == after


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(acme, globex, furnished, settings):
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    first = resealing.reseal_tenants(write=True, complain=print, batch=1)
    _, done = next(first)
    first.close()
    assert done.moved == 6
    assert "7 were re-encrypted" in rotate() and "0 were re-encrypted" in rotate()


def test_a_secret_that_no_key_opens_is_named_and_hinders_no_other(
    acme, globex, furnished, settings
):
    with tenant_context(acme.tenant):
        bot = BotProfile.objects.first()
        BotProfile.objects.filter(pk=bot.pk).update(encrypted_credentials="v1:damaged")
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="1 secrets open with none"):
        rotate()
    settings.ENCRYPTION_KEYS = [NEW]
    assert read_all(globex) == {"s3cret-of-globex"}
    with tenant_context(acme.tenant), pytest.raises(DecryptionFailed):
        _ = BotProfile.objects.get(pk=bot.pk).credentials


def test_every_encrypted_column_is_among_those_that_are_resealed():
    resealed = {kind.rows().model for kind in resealing.SEALED}
    for model in apps.get_models():
        names = [field.name for field in model._meta.get_fields()]
        if any(re.search("encrypted|sealed|ciphertext", name) for name in names):
            assert model in resealed, f"{model.__name__} has a secret that rotate_keys leaves alone"
