"""The life of a tenant: provision, suspend, archive, restore, erase.

A new tenant is its rows and its schema in one transaction, so there is never half a tenant. Whatever happens to one
afterwards takes effect on the next request, because nothing caches a tenant.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from minirag import __version__
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants import audit, schemas
from tenants.context import tenant_context
from tenants.due import DueWork
from tenants.models import (
    ApiToken,
    BotAddress,
    BrowserSession,
    Domain,
    EmailLink,
    ErasureReceipt,
    OperatorEntry,
    RecoveryCode,
    Role,
    SchemaMigration,
    SecondFactor,
    SsoIdentity,
    SsoProvider,
    Tenant,
    TenantDay,
    TenantFigures,
    TenantLogo,
    TenantStatus,
    TenantTransfer,
    User,
    make_schema_name,
    normalise_email,
)
from tenants.platform.erasure import NO_TRACES, Traces, remove_traces
from tenants.platform.receipts import sign_receipt

SLUG = re.compile(r"[a-z0-9-]{1,100}")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True)
class Provisioned:
    """A new tenant with its owner, and the owner's first token, shown this once."""

    tenant: Tenant
    owner: User
    token: ApiToken
    raw_token: str


def provision_tenant(
    *,
    name: str,
    slug: str,
    owner_email: str,
    owner_password: str,
    owner_display_name: str = "",
    actor: str = "",
) -> Provisioned:
    """Create a tenant with its schema, its owner and a token named `default`, all or nothing.

    Raises BadInput for what is not a slug, PasswordWeak, Conflict for a slug that is taken or whose schema is there.
    """
    check_slug(slug)
    tenant = Tenant(name=name, slug=slug, schema_name=make_schema_name(slug))
    taken = Q(slug=slug) | Q(schema_name__iexact=tenant.schema_name)
    if Tenant.objects.filter(taken).exists():
        raise Conflict(
            gettext("Slug '%(slug)s' is already taken") % {"slug": slug}, code="slug_taken"
        )
    try:
        with tenant_context(None), transaction.atomic():
            tenant.save(force_insert=True)
            owner = User.objects.create_user(  # before the schema, since it may be refused
                owner_email,
                owner_password,
                tenant=tenant,
                role=Role.OWNER,
                display_name=owner_display_name,
            )
            tenant.schema_version = schemas.create_schema(tenant)
            schemas.settle_schema(tenant)
            token, raw_token = ApiToken.objects.mint(user=owner, name="default")
            audit.record("tenant.provisioned", tenant=tenant, actor=actor or owner)
    except (IntegrityError, schemas.SchemaExists) as error:
        raise Conflict(
            gettext("Slug '%(slug)s' is already taken") % {"slug": slug}, code="slug_taken"
        ) from error
    return Provisioned(tenant, owner, token, raw_token)


def check_slug(slug: str) -> None:
    """Raise BadInput for what is not a slug."""
    if not SLUG.fullmatch(slug):
        raise BadInput(
            gettext("A slug has 1 to 100 characters of a-z, 0-9 and '-'."), code="slug_invalid"
        )


def get_tenant(slug: str) -> Tenant:
    """Return the tenant of a slug. Raises NotFound."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        raise NotFound(
            gettext("There is no tenant '%(slug)s'.") % {"slug": slug}, code="tenant_unknown"
        )
    return tenant


def check_email(email: str) -> None:
    """Raise BadInput for what is not an e-mail address."""
    try:
        validate_email(email)
    except ValidationError:
        raise BadInput(
            gettext("'%(email)s' is not an e-mail address.") % {"email": email},
            code="email_invalid",
        ) from None


def create_operator(
    email: str, password: str, display_name: str = "", *, actor: str = ""
) -> tuple[User, bool]:
    """Make a platform operator; returns the user and whether it is new. An existing one stays as it is.

    Raises BadInput for a bad e-mail, PasswordWeak.
    """
    check_email(email)
    with tenant_context(None), transaction.atomic():
        existing = User.objects.filter(tenant__isnull=True, email=normalise_email(email)).first()
        if existing is not None:
            return existing, False
        operator = User.objects.create_superuser(email, password, display_name=display_name)
        audit.record("operator.created", actor=actor or operator, detail={"email": operator.email})
    return operator, True


def normalise_host(host: str) -> str:
    """Return a host as it is compared: lower case, without the root's dot. Raises BadInput for what is not one."""
    host = host.strip().lower().rstrip(".")
    if not _HOST.fullmatch(host):
        raise BadInput(
            gettext("'%(host)s' is not a host name; write it without scheme, port and path.")
            % {"host": host},
            code="host_invalid",
        )
    return host


def add_domain(tenant: Tenant, host: str, *, actor: str = "") -> Domain:
    """Lead `host` to a tenant, whoever claims it. Raises BadInput for what is not a host name, Conflict for one that is
    taken.
    """
    host = normalise_host(host)
    with tenant_context(None), transaction.atomic():
        if Domain.objects.leading().filter(domain=host).exists():
            raise Conflict(
                gettext("The host '%(host)s' already leads to a tenant.") % {"host": host},
                code="host_taken",
            )
        domain = tenant.domains.filter(domain=host).first() or Domain(tenant=tenant, domain=host)
        domain.is_primary = not tenant.domains.filter(is_primary=True).exists()
        domain.lead()
        audit.record("domain.added", tenant=tenant, actor=actor, detail={"domain": host})
    return domain


def change_tenant(tenant: Tenant, changes: dict[str, Any], *, actor: str = "") -> None:
    """Change what the operator says of a tenant: name, description, plan, time zone, rate, metadata as a whole."""
    with tenant_context(None), transaction.atomic():
        for name, value in changes.items():
            setattr(tenant, name, value)
        tenant.save(update_fields=[*changes, "updated_at"])
        audit.record(
            "tenant.changed", tenant=tenant, actor=actor, detail={"fields": sorted(changes)}
        )


@dataclass(frozen=True)
class Begun:
    """When an erasure was first tried, and what was there then: a worker may die after it has removed files."""

    at: str
    traces: Traces = NO_TRACES
    status_since: str = ""


def suspend_tenant(tenant: Tenant, *, reason: str = "", actor: str = "") -> None:
    """Stop chat, tokens and writes at once, for example while a bill is open; operators can still read."""
    _change(tenant, TenantStatus.SUSPENDED, "tenant.suspended", reason, actor)


def archive_tenant(tenant: Tenant, *, reason: str = "", actor: str = "") -> None:
    """Put a tenant away for good, its data kept."""
    _change(tenant, TenantStatus.ARCHIVED, "tenant.archived", reason, actor)


def restore_tenant(tenant: Tenant, *, actor: str = "") -> None:
    """Make a suspended or archived tenant work again."""
    _change(tenant, TenantStatus.ACTIVE, "tenant.restored", "", actor)


def require_archived(tenant: Tenant) -> Tenant:
    """What people erase was put away before. Raises Conflict (`tenant_not_archived`)."""
    if tenant.status != TenantStatus.ARCHIVED:
        told = gettext("Only an archived tenant can be erased: archive it first.")
        raise Conflict(told, code="tenant_not_archived")
    return tenant


def erase_tenant(
    tenant: Tenant, *, actor: str = "", begun: Begun | None = None,
    tell: Callable[[int, int, str], None] | None = None, at_end: Callable[[str], None] | None = None,
) -> ErasureReceipt:  # fmt: skip
    """Drop the tenant's schema, its public rows, its files and its Redis keys.

    What stays is a line in the platform's log and the signed receipt that is returned. `begun` is what was there when
    it was first tried; `at_end` is called with the receipt's id in the transaction, before anything is removed that no
    roll-back brings back. Raises NotFound for one that is gone, and Conflict where its status has
    changed since.
    """
    begun, receipt_id = begun or Begun(timezone.now().isoformat()), str(uuid.uuid4())
    with tenant_context(None), transaction.atomic():
        # First of all, so that `migrate` and this wait for each other instead of locking each other out.
        held = Tenant.objects.select_for_update().filter(pk=tenant.pk).first()
        if held is None:
            raise NotFound(gettext("The tenant was erased meanwhile."), code="tenant_unknown")
        if begun.status_since and str(held.status_changed_at) != begun.status_since:
            raise Conflict(
                gettext("The tenant's status was changed meanwhile, so nothing was erased."),
                code="tenant_changed",
            )
        rows, size = schemas.measure_schema(tenant.schema_name, tell)
        schemas.drop_schema(tenant.schema_name)
        public = _erase_public_rows(tenant)
        if at_end is not None:
            at_end(receipt_id)
        # Last and inside: should Redis or the disk refuse, nothing is erased and the operator can try again.
        traces = remove_traces(tenant.schema_name).at_least(begun.traces)
        exported = _remove_exports(tenant)
        said: dict[str, Any] = {
            "id": receipt_id, "slug": tenant.slug, "product": __version__,
            "began_at": begun.at, "ended_at": timezone.now().isoformat(),
            "schema": {"tables": rows, "bytes": size}, "public_rows": public,
            "exports": exported, "files": traces.files, "file_bytes": traces.file_bytes, "redis_keys": traces.keys,
        }  # fmt: skip
        receipt = ErasureReceipt.objects.create(
            id=said["id"], slug=tenant.slug, receipt=sign_receipt(said)
        )
        erased = {"tenant_id": str(tenant.pk), "name": tenant.name, "receipt": str(receipt.pk)}
        audit.record("tenant.erased", tenant=tenant, actor=actor, detail=erased)
    return receipt


def _remove_exports(tenant: Tenant) -> int:
    """Remove the files that the tenant was exported into, as far as they are kept; returns how many there were."""
    kept = TenantTransfer.objects.filter(
        Q(slug=tenant.slug) | Q(source=tenant.slug), file_size__gt=0
    )
    jobs = list(kept.exclude(kind="import"))
    for job in jobs:
        job.drop_file()
    return len(jobs)


def _erase_public_rows(tenant: Tenant) -> dict[str, int]:
    """Row by row, without Django's cascade, which would look for tables that only tenants have."""
    sessions = BrowserSession.objects.filter(user__tenant=tenant)
    erased = {"tenants_browsersession": sessions.count()}
    sessions.end()
    of_tenant: tuple[Any, ...] = (
        SsoIdentity,
        SsoProvider,
        TenantLogo,
        OperatorEntry,
        TenantFigures,
        TenantDay,
        BotAddress,
        User,
        Domain,
        SchemaMigration,
    )
    gone: list[tuple[Any, dict[str, Any]]] = [
        (ApiToken, {"tenant": tenant}),
        (DueWork, {"tenant_id": tenant.pk}),
    ]
    gone += [(each, {"user__tenant": tenant}) for each in (EmailLink, SecondFactor, RecoveryCode)]
    gone += [(each, {"tenant": tenant}) for each in of_tenant]
    for model, whose in [*gone, (Tenant, {"pk": tenant.pk})]:
        rows = model._default_manager.filter(**whose)
        erased[model._meta.db_table] = rows._raw_delete("default")
    return {table: count for table, count in sorted(erased.items()) if count}


def _change(tenant: Tenant, status: TenantStatus, action: str, reason: str, actor: str) -> None:
    with tenant_context(None), transaction.atomic():
        tenant.change_status(status, reason)
        audit.record(
            action, tenant=tenant, actor=actor, detail={"reason": reason} if reason else None
        )
