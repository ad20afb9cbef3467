"""Links that are sent by e-mail: with one its user sets a password, once, and before it ends."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from tenants.models import User


class LinkPurpose(models.TextChoices):
    INVITATION = "invitation", _("Invitation")
    PASSWORD = "password", _("Forgotten password")


LIFETIMES = {
    LinkPurpose.INVITATION: timedelta(days=7),
    LinkPurpose.PASSWORD: timedelta(hours=2),
}


class LinkState(models.TextChoices):
    OPEN = "open", _("Open")
    USED = "used", _("Used")
    REVOKED = "revoked", _("Revoked")
    EXPIRED = "expired", _("Expired")


class EmailLinkQuerySet(models.QuerySet["EmailLink"]):
    def open(self) -> EmailLinkQuerySet:
        return self.filter(
            used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now()
        )

    def revoke_of(self, user: User) -> None:
        """End all links of a user: they were mailed for an address, or an account, that is not so any more."""
        self.filter(user=user).open().update(revoked_at=timezone.now())

    def mint(self, user: User, purpose: LinkPurpose, made_by: str) -> tuple[EmailLink, str]:
        """Make a link; returns it with its secret, which cannot be read again.

        It ends the user's others of its purpose alone: anybody may ask for a password, and ends no invitation by it.
        """
        self.filter(user=user, purpose=purpose).open().update(revoked_at=timezone.now())
        secret = secrets.token_urlsafe(32)
        link = self.create(
            user=user, purpose=purpose, token_hash=hash_link(secret), made_by=made_by,
            expires_at=timezone.now() + LIFETIMES[purpose],
        )  # fmt: skip
        return link, secret


def hash_link(secret: str) -> str:
    """SHA-256 in hex, which is all that is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class EmailLink(models.Model):
    """Lets its user, and nobody else, set a password; belongs to the tenant that its user belongs to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey("tenants.User", on_delete=models.CASCADE, related_name="links")
    purpose = models.CharField(max_length=12, choices=LinkPurpose)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.CharField(max_length=320, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[EmailLinkQuerySet] = EmailLinkQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return str(self.user)

    @property
    def state(self) -> str:
        if self.used_at:
            return LinkState.USED
        if self.revoked_at:
            return LinkState.REVOKED
        return LinkState.OPEN if self.expires_at > timezone.now() else LinkState.EXPIRED

    def use(self) -> bool:
        """Mark an open link used; whether this call did it. Of two at once one does."""
        now = timezone.now()
        used = EmailLink.objects.filter(pk=self.pk).open().update(used_at=now) == 1
        self.used_at = now if used else self.used_at
        return used
