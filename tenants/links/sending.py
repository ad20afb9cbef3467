"""Inviting people and sending links for forgotten passwords.

An invited person is a user from then on, in their role, who has no password until they set one by the link. The mail
goes out after the transaction; where it does not (there is no mail server, or it refuses), whoever invited gets the
link, to pass it on.
"""

from __future__ import annotations

from dataclasses import dataclass
from smtplib import SMTPException
from uuid import UUID

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from minirag.lib.errors import Conflict, NotFound
from tenants import audit
from tenants.links.models import EmailLink, LinkPurpose
from tenants.models import Tenant, User, normalise_email
from tenants.people.changing import (
    change_user,
    email_taken_is_a_conflict,
    people_locked,
    require_reach,
)
from tenants.plans.holding import require_room_for_person

logger = structlog.get_logger(__name__)
_ACCENT = "#4338ca"
NO_MAIL = "django.core.mail.backends.dummy.EmailBackend"


@dataclass(frozen=True)
class Sent:
    """A link on its way. `url` is only there where no mail went out."""

    link: EmailLink
    url: str = ""


def invite(actor: User, user: User, *, base: str) -> Sent:
    """Save a new user without a password and send the link with which they set one; `base` is where their admin lies.

    Without a tenant they are a platform operator. Raises as `create_user`.
    """
    user.email, user.is_superuser = normalise_email(user.email), user.tenant_id is None
    user.set_unusable_password()
    with people_locked(user.tenant, actor) as actor, email_taken_is_a_conflict():
        require_reach(actor, user)
        require_room_for_person(user.tenant)
        user.save(force_insert=True)
        link, secret = EmailLink.objects.mint(user, LinkPurpose.INVITATION, actor.email)
        _note("invited", actor, user, role=user.role)
    return _mail(link, secret, base)


def send_again(actor: User, tenant: Tenant | None, user_id: UUID, *, base: str) -> Sent:
    """Send somebody who has set no password yet a new invitation; the one before is worth nothing from then on.

    Raises NotFound, Forbidden, or Conflict (`invitation_over`).
    """
    with people_locked(tenant, actor) as actor:
        user = _find_invited(tenant, user_id)
        require_reach(actor, user)
        link, secret = EmailLink.objects.mint(user, LinkPurpose.INVITATION, actor.email)
        _note("invited", actor, user, role=user.role)
    return _mail(link, secret, base)


def revoke_invitation(actor: User, tenant: Tenant | None, user_id: UUID) -> User:
    """End an invitation and disable who was invited. Raises as `send_again`."""
    with people_locked(tenant, actor) as actor:
        user = _find_invited(tenant, user_id)
        require_reach(actor, user)
        EmailLink.objects.revoke_of(user)
        _note("invitation_revoked", actor, user)
        return change_user(actor, user.pk, {"is_active": False}, tenant=tenant)


def _find_invited(tenant: Tenant | None, user_id: UUID) -> User:
    user = User.objects.select_for_update(of=("self",)).filter(tenant=tenant, pk=user_id).first()
    if user is None:
        raise NotFound(_("User not found"))
    if user.has_usable_password() or not user.is_active:
        raise Conflict(_("This person has no open invitation."), code="invitation_over")
    return user


def send_password_link(email: str, tenant: Tenant | None, base: str) -> int:
    """Send a link to each active account of this e-mail in a tenant (None: the operators); returns to how many."""
    users = User.objects.filter(tenant=tenant, email=normalise_email(email), is_active=True)
    count = 0
    for user in users.select_related("tenant"):
        link, secret = EmailLink.objects.mint(user, LinkPurpose.PASSWORD, user.email)
        _note("password_link_sent", user, user)
        if _mail(link, secret, base).url:
            logger.warning("a link for a forgotten password could not be mailed", user=str(user.pk))
        count += 1
    return count


def _mail(link: EmailLink, secret: str, base: str) -> Sent:
    url = f"{base}/admin/set-password/?link={secret}"
    if settings.EMAIL_BACKEND == NO_MAIL:
        return Sent(link, url)
    with override(language_of(link.user.tenant)):
        letter = _write(link, url, base)
    try:
        letter.send()
    except (SMTPException, OSError) as error:
        logger.warning("a link was not mailed", error=type(error).__name__)
        return Sent(link, url)
    link.mailed_at = timezone.now()
    link.save(update_fields=["mailed_at"])
    return Sent(link)


def language_of(tenant: Tenant | None) -> str:
    """What the tenant speaks first of the languages that our mails are in; else that of the moment."""
    ours = dict(settings.LANGUAGES)
    spoken = tenant.languages if tenant is not None else []
    return next((each for each in spoken if each in ours), get_language() or "en")


def _write(link: EmailLink, url: str, base: str) -> EmailMultiAlternatives:
    tenant = link.user.tenant
    place = tenant.public_name if tenant is not None else "MiniRAG"
    if link.purpose == LinkPurpose.INVITATION:
        subject = _("You are invited to %(place)s") % {"place": place}
        said = _(
            "%(who)s has invited you to %(place)s. Set your password here; the link works once, for 7 days:"
        ) % {"who": link.made_by, "place": place}
    else:
        subject = _("A new password for %(place)s") % {"place": place}
        said = _(
            "Somebody, probably you, asked for a new password for %(place)s. Set it here; the link works once, for "
            "2 hours. If it was not you, do nothing: your password stays as it is."
        ) % {"place": place}
    letter = EmailMultiAlternatives(
        " ".join(subject.split()), f"{said}\n\n{url}\n", settings.DEFAULT_FROM_EMAIL, [link.user.email]
    )  # fmt: skip
    logo = tenant.logo_hash if tenant is not None else ""
    shown = {
        "language": get_language(), "place": place, "said": said, "url": url, "button": _("Set password"),
        "accent": (tenant.accent if tenant is not None else "") or _ACCENT,
        "logo_url": f"{base}/branding/logo?v={logo}" if logo else "",
    }  # fmt: skip
    letter.attach_alternative(render_to_string("mail/link.html", shown), "text/html")
    return letter


def _note(what: str, actor: User, user: User, **detail: str) -> None:
    audit.record(
        f"user.{what}", actor=actor, tenant=user.tenant,
        detail={"user": user.email, "user_id": str(user.pk), **detail},
    )  # fmt: skip
