"""A tenant's provider, set by its owners, and whose account somebody from there comes into."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from minirag.lib.errors import BadInput, Forbidden
from minirag.lib.http_out.client import OutboundError, check_url
from tenants import audit
from tenants.models import Role, Tenant, User, normalise_email
from tenants.people.changing import email_taken_is_a_conflict
from tenants.plans.holding import require_feature, require_room_for_person
from tenants.plans.models import Feature
from tenants.sso.models import SsoIdentity, SsoProvider
from tenants.sso.provider import Person


class SsoRefused(Forbidden):
    """The provider knows the person, and we do not let them in."""

    code = "sso_refused"


def require_owner(actor: User) -> None:
    """Raise Forbidden (`owner_required`): who chooses the provider can come in as anybody."""
    if not (actor.is_superuser or (actor.is_active and actor.role == Role.OWNER)):
        raise Forbidden(gettext("Only owners can change single sign-on"), code="owner_required")


def set_provider(
    actor: User, tenant: Tenant, values: dict[str, Any], *, secret: str | None
) -> SsoProvider:
    """Set or change a tenant's provider; a `secret` of None leaves it.

    Another issuer is another provider: nobody is known from there yet, and it is not told the secret of the one
    before. Raises Forbidden, NotInPlan, BadInput (`issuer_invalid`, `sso_secret_needed`, `role_invalid`).
    """
    require_owner(actor)
    require_feature(Feature.SSO, tenant)
    try:
        check_url(values["issuer"], allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS))
    except OutboundError as error:
        raise BadInput(str(error), code="issuer_invalid") from error
    if values["default_role"] in (Role.OWNER, Role.ADMIN):
        raise BadInput(
            gettext("Nobody becomes an owner or admin by a provider."), code="role_invalid"
        )
    with transaction.atomic():
        provider = SsoProvider.objects.select_for_update().filter(tenant=tenant).first()
        provider = provider or SsoProvider(tenant=tenant)
        if secret is None and provider.encrypted_secret and provider.issuer != values["issuer"]:
            said = gettext("Another issuer needs its client_secret with it; an empty one is none.")
            raise BadInput(said, code="sso_secret_needed")
        changes = audit.compare(provider, values)
        for name, value in values.items():
            setattr(provider, name, value)
        if secret is not None:
            provider.set_secret(secret)
        provider.save()
        detail = {"fields": ["secret"]} if secret is not None else {}
        audit.record("sso.changed", of=provider, tenant=tenant, changes=changes, detail=detail)
    return provider


def remove_provider(actor: User, tenant: Tenant) -> None:
    """Forget the provider and who is whom there. Its people stay, and log in with passwords."""
    require_owner(actor)
    with transaction.atomic():
        provider = SsoProvider.objects.filter(tenant=tenant).first()
        if provider is not None:
            audit.record("sso.removed", of=provider, tenant=tenant)
            provider.delete()
            SsoIdentity.objects.filter(tenant=tenant).delete()


def user_for(provider: SsoProvider, person: Person) -> User:
    """Return the tenant's user that this is, bound or made now. Raises SsoRefused."""
    tenant = _tenant_of(provider)
    known = SsoIdentity.objects.filter(
        tenant=tenant, issuer=provider.issuer, subject=person.subject
    ).select_related("user__tenant")
    with transaction.atomic():
        if tenant is not None:
            Tenant.objects.select_for_update(no_key=True).filter(pk=tenant.pk).first()
        identity = known.first()
        user = identity.user if identity is not None else _bind(provider, person)
    if not user.is_active or user.tenant_id != provider.tenant_id:
        raise SsoRefused(gettext("This account is disabled."))
    return user


def _tenant_of(provider: SsoProvider) -> Tenant | None:
    """None for that of the operators, who are of no tenant."""
    return provider.tenant if provider.tenant_id is not None else None


def _bind(provider: SsoProvider, person: Person) -> User:
    email = normalise_email(person.email)
    if not email or not provider.admits(email):
        raise SsoRefused(gettext("Your provider names no verified e-mail that may come in here."))
    tenant = _tenant_of(provider)
    user = User.objects.filter(tenant=tenant, email__iexact=email).first()
    if user is None:
        if not provider.makes_users:
            raise SsoRefused(
                gettext("There is no account with your e-mail here: ask to be invited.")
            )
        user = User(
            tenant=tenant,
            email=email,
            display_name=person.name,
            role=provider.default_role,
        )
        user.set_unusable_password()
        require_room_for_person(tenant)
        with email_taken_is_a_conflict():
            user.save(force_insert=True)
        _note("created", user, role=user.role)
    elif SsoIdentity.objects.filter(user=user, issuer=provider.issuer).exists():
        # An e-mail that was given to somebody else there, or taken: the account stays whose it was.
        raise SsoRefused(
            gettext(
                "Your provider knows this account as somebody else: ask who manages people here."
            )
        )
    SsoIdentity.objects.create(
        user=user, tenant=tenant, issuer=provider.issuer, subject=person.subject
    )
    _note("sso_bound", user)
    return user


def _note(what: str, user: User, **detail: str) -> None:
    said = {"user": user.email, "user_id": str(user.pk), "by": "sso", **detail}
    audit.record(f"user.{what}", actor=user, tenant=user.tenant, detail=said)
