"""A copy of a tenant beside it: its file, written and taken in under another slug."""

from __future__ import annotations

import secrets
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext

from minirag.lib.errors import Conflict
from tenants.models import Tenant
from tenants.moving.exporting import Tell, export_tenant, tell_nobody
from tenants.moving.importing import AtEnd, Taken, import_tenant
from tenants.provisioning import check_slug

PARTS: Final = frozenset({"webhooks"})
"""What a copy may have as well. Hosts and tokens lead to one tenant only, and a log is of what happened to one."""


def clone_tenant(
    tenant: Tenant, slug: str, *, parts: frozenset[str] = frozenset(), name: str = "", actor: str = "",
    tell: Tell = tell_nobody, at_end: AtEnd | None = None,
) -> Taken:  # fmt: skip
    """Copy a tenant with its users, secrets, knowledge and chats. Its users log in to the copy as to the original.

    The copy has no hosts and no tokens, which lead to the original, and no webhooks unless `parts` says so.
    Raises what an export and an import do.
    """
    parts &= PARTS
    check_slug(slug)
    if Tenant.objects.filter(slug=slug).exists():
        raise Conflict(
            gettext("Slug '%(slug)s' is already taken; choose another one.") % {"slug": slug},
            code="slug_taken",
        )
    passphrase = secrets.token_urlsafe(32)
    folder = Path(settings.DATA_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        export_tenant(
            tenant, file, passphrase=passphrase, copied=True,
            tell=lambda done, total, what: tell(done, 2 * total, what),
        )  # fmt: skip
        file.seek(0)
        return import_tenant(
            file, slug=slug, passphrase=passphrase, parts=parts, actor=actor, action="tenant.cloned",
            name=name, at_end=partial(_end, at_end), tell=lambda done, total, what: tell(done + total, 2 * total, what),
        )  # fmt: skip


def _end(at_end: AtEnd | None, taken: Taken) -> None:
    """Close what chats wait for or have a person in: no visitor reaches them in the copy, and mails went out."""
    place = connection.ops.quote_name(taken.tenant.schema_name)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {place}.conversations_handoff SET state = 'closed', ended_as = 'closed', "  # noqa: S608 - ours
            "closed_at = now(), held_until = NULL WHERE state <> 'closed'"
        )
    if at_end is not None:
        at_end(taken)
