"""Single sign-on by OpenID Connect: a tenant's own provider, and who of its people are whom there."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models

from minirag.lib.bounds import ListOf
from minirag.lib.security.crypto import decrypt, encrypt, rotate
from tenants.people.roles import Role

if TYPE_CHECKING:
    from tenants.models import Tenant, User

MOST_DOMAINS = 20


class SsoProvider(models.Model):
    """A tenant's provider. What it says of people counts in this tenant alone."""

    tenant: models.OneToOneField[Tenant, Tenant] = models.OneToOneField(
        "tenants.Tenant", on_delete=models.CASCADE, primary_key=True, related_name="sso"
    )
    issuer = models.URLField(max_length=500)
    client_id = models.CharField(max_length=255)
    encrypted_secret = models.TextField(blank=True, editable=False)
    allowed_domains = models.JSONField(
        default=list,
        validators=[ListOf(100, MOST_DOMAINS)],
        help_text="Whose e-mails may come in by it, such as acme.com.",
    )
    makes_users = models.BooleanField(
        default=False, help_text="Who is not known here yet becomes a user, in the role below."
    )
    default_role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    is_required = models.BooleanField(
        default=False, help_text="Nobody but owners logs in with a password any more."
    )
    is_active = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.issuer

    @property
    def secret(self) -> str:
        return (
            decrypt(self.encrypted_secret, context=self._context) if self.encrypted_secret else ""
        )

    def set_secret(self, secret: str) -> None:
        self.encrypted_secret = encrypt(secret, context=self._context) if secret else ""

    def reseal(self) -> dict[str, str]:
        """What changes where the secret is under an older encryption key."""
        new = rotate(self.encrypted_secret, self._context) if self.encrypted_secret else ""
        return {"encrypted_secret": new} if new != self.encrypted_secret else {}

    def admits(self, email: str) -> bool:
        return email.rpartition("@")[2].lower() in {
            str(each).lower() for each in self.allowed_domains
        }

    @property
    def _context(self) -> str:
        return f"tenant:{self.tenant_id}/sso_secret"


class SsoIdentity(models.Model):
    """Somebody at a provider, and which user that is: bound once, by a verified e-mail."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user: models.ForeignKey[User, User] = models.ForeignKey(
        "tenants.User", on_delete=models.CASCADE, related_name="sso_identities"
    )
    # None: a platform operator's, at the provider that the installation's settings name.
    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "issuer", "subject"],
                name="sso_identity_once_per_tenant",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.subject
