"""Make the demo: an operator, two tenants with an owner and a bot each, and their documents as sources.

Running it again adds what is missing and changes nothing else. The passwords are stored hashed, like all others, and
also in `<DATA_DIR>/demo.json` (readable by its owner only), so that they can be shown again.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from bots.models import BotProfile
from bots.profiles import create_bot
from knowledge.formats.registry import BY_SUFFIX
from knowledge.indexing.ingestion import ingest
from knowledge.models import Source, SourceStatus
from knowledge.retrieval.calibrating import calibrate_outdated
from knowledge.sources.changing import (
    upload_source,
)
from knowledge.sources.homes import find_home
from minirag.lib.errors import Conflict
from minirag.local.demo.tenants import DEMO_TENANTS, OPERATOR_EMAIL, DemoTenant
from tenants.context import tenant_context
from tenants.models import ApiToken, Tenant, User
from tenants.provisioning import create_operator, provision_tenant

Report = Callable[[str], None]
Notes = dict[str, dict[str, str]]  # e-mail → password, and api_token for owners


def notes_path() -> Path:
    return Path(settings.DATA_DIR) / "demo.json"


def read_notes() -> Notes:
    """Return the demo's passwords by e-mail; empty when there is no demo here."""
    try:
        notes: Notes = json.loads(notes_path().read_text())
    except (OSError, ValueError):
        return {}
    return notes


def seed_demo(report: Report, *, ingest_now: bool = False) -> None:
    """Make what is missing of the demo. Raises Conflict when a tenant of somebody else has a demo tenant's slug."""
    notes = read_notes()
    _ensure_operator(notes)
    for demo in DEMO_TENANTS:
        tenant = _ensure_tenant(demo, notes)
        with tenant_context(tenant):
            bot = _ensure_bot(demo)
            added = [source for path in demo.documents if (source := _ensure_source(bot, path))]
            report(
                f"{tenant.slug}: bot {bot.name}, {len(demo.documents)} documents, {len(added)} of them new"
            )
            if ingest_now:
                _ingest_all(bot, report)


def _ensure_operator(notes: Notes) -> None:
    password = notes.get(OPERATOR_EMAIL, {}).get("password") or _make_password()
    operator, _ = create_operator(OPERATOR_EMAIL, password, "Olga", actor="manage.py demo")
    _remember(notes, operator, password)


def _ensure_tenant(demo: DemoTenant, notes: Notes) -> Tenant:
    password = notes.get(demo.owner_email, {}).get("password") or _make_password()
    tenant = Tenant.objects.filter(slug=demo.slug).first()
    if tenant is None:
        with transaction.atomic():
            made = provision_tenant(
                name=demo.name, slug=demo.slug, owner_email=demo.owner_email, owner_password=password,
                owner_display_name=demo.owner_name, actor="manage.py demo",
            )  # fmt: skip
            notes[demo.owner_email] = {"password": password, "api_token": made.raw_token}
            _write_notes(notes)
        return made.tenant
    owner = User.objects.filter(tenant=tenant, email=demo.owner_email).first()
    if owner is None:
        raise Conflict(
            f"There is a tenant '{demo.slug}' that is not the demo's; it was left alone."
        )
    _remember(notes, owner, password)
    if "api_token" not in notes[demo.owner_email]:
        notes[demo.owner_email]["api_token"] = ApiToken.objects.mint(user=owner, name="demo")[1]
        _write_notes(notes)
    return tenant


def _remember(notes: Notes, user: User, password: str) -> None:
    """Note a log-in. Where the notes were lost, the account gets the new password, or nobody could log in."""
    if user.email in notes:
        return
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
    notes[user.email] = {"password": password}
    _write_notes(notes)


def _ensure_bot(demo: DemoTenant) -> BotProfile:
    bot = BotProfile.objects.filter(name=demo.bot_name).order_by("created_at").first()
    if bot is not None:
        return bot
    fields: dict[str, Any] = {
        "name": demo.bot_name, "description": demo.bot_description, "greeting": demo.greeting,
        "starter_questions": demo.starter_questions, "is_public": True,
        "system_prompt": f"You are {demo.bot_name}, the friendly help desk of {demo.name}. Answer in short sentences.",
    }  # fmt: skip
    return create_bot(fields)


def _ensure_source(bot: BotProfile, path: Path) -> Source | None:
    """Upload a document and queue it; None when the bot has one of that name."""
    if Source.objects.filter(bot_profile=bot, name=path.name, deleted_at__isnull=True).exists():
        return None
    return upload_source(
        find_home(bot.pk, None), None, name=path.name, description="", file_name=path.name,
        kind=BY_SUFFIX[path.suffix.lower()].kind, data=path.read_bytes(),
    )  # fmt: skip


def _ingest_all(bot: BotProfile, report: Report) -> None:
    waiting = Source.objects.filter(bot_profile=bot, deleted_at__isnull=True).exclude(
        status=SourceStatus.READY
    )
    for source in list(waiting.defer("content").order_by("name")):
        ingest(source.pk)
        source.refresh_from_db(fields=["status", "chunk_count", "error_message"])
        report(f"  {source.name}: {source.error_message or f'{source.chunk_count} chunks'}")
    calibrate_outdated()  # as the clock does soon after a first ingestion


def _make_password() -> str:
    return secrets.token_urlsafe(9)


def _write_notes(notes: Notes) -> None:
    """Replace the file in one step; only its owner may read it."""
    path = notes_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name("demo.json.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(notes, file, indent=2)
    draft.replace(path)


def describe_demo(base_url: str) -> list[str]:
    """Return the lines that say where the demo is and how to log in; empty when there is none."""
    notes = read_notes()
    present = {
        tenant.slug: tenant
        for tenant in Tenant.objects.filter(slug__in=[demo.slug for demo in DEMO_TENANTS])
    }
    shown = [demo for demo in DEMO_TENANTS if demo.slug in present and demo.owner_email in notes]
    if not shown:
        return []
    lines = []
    for demo in shown:
        owner = User.objects.filter(tenant=present[demo.slug], email=demo.owner_email).first()
        lines += [
            f"{present[demo.slug]}",
            f"  demo page   {base_url}/t/{demo.slug}/",
            f"  admin       {base_url}/t/{demo.slug}/admin/",
            f"  log-in      {_describe_login(owner, notes[demo.owner_email])}",
            f"  API token   {notes[demo.owner_email].get('api_token', 'see the admin')}",
        ]
    operator = User.objects.filter(tenant__isnull=True, email=OPERATOR_EMAIL).first()
    if operator is not None and OPERATOR_EMAIL in notes:
        lines += [
            "Platform operator",
            f"  admin       {base_url}/admin/",
            f"  log-in      {_describe_login(operator, notes[OPERATOR_EMAIL])}",
        ]
    return lines


def _describe_login(user: User | None, note: dict[str, str]) -> str:
    if user is None:
        return "the account was removed"
    if not user.check_password(note["password"]):
        return f"{user.email} with the password that was set since"
    return f"{user.email} / {note['password']}"
