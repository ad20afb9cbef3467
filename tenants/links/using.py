"""Using a link from an e-mail: its user sets a password."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext_noop

from minirag.lib.errors import Gone
from minirag.lib.security.passwords import check_password
from tenants import audit
from tenants.links.models import EmailLink
from tenants.models import Tenant, User


class LinkSpent(Gone):
    """A link that was used, revoked, has expired, or never was one of this place."""

    code = "link_spent"

    def __init__(self) -> None:
        super().__init__(
            gettext_noop(
                "This link does not work any more, or never did: it works once and for a limited time. "
                "Ask for a new one."
            )
        )


def find_link(token_hash: str, tenant: Tenant | None) -> EmailLink:
    """Return an open link of an active user of `tenant`, None being the platform. Raises LinkSpent."""
    links = EmailLink.objects.open().select_related("user__tenant")
    link = links.filter(token_hash=token_hash, user__tenant=tenant, user__is_active=True).first()
    if link is None or (tenant is not None and not tenant.is_readable):
        raise LinkSpent
    return link


def set_password(token_hash: str, password: str, tenant: Tenant | None) -> User:
    """Spend a link on a new password: the user's sessions and JWTs end, and their other links.

    Raises LinkSpent, PasswordWeak.
    """
    link = find_link(token_hash, tenant)
    check_password(password, link.user)
    hashed = make_password(password)  # outside of the transaction, since hashing is slow on purpose
    with transaction.atomic():
        if not link.use():
            raise LinkSpent
        user = User.objects.select_for_update(of=("self",)).get(pk=link.user_id)
        user.password = hashed
        user.save(update_fields=["password", "updated_at"])
        EmailLink.objects.revoke_of(user)
        audit.record(
            "user.password_set", actor=user, tenant=user.tenant,
            detail={"user": user.email, "user_id": str(user.pk), "by": link.purpose},
        )  # fmt: skip
    return user
