"""The hosts that lead to tenants, and those that are only claimed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin

if TYPE_CHECKING:
    from tenants.models import Tenant


class DomainQuerySet(models.QuerySet["Domain"]):
    def proven(self) -> DomainQuerySet:
        """Those that lead because a TXT record was found; operators lead others without one."""
        return self.leading().filter(proof_seen_at__isnull=False)

    def leading(self) -> DomainQuerySet:
        """Those that lead to their tenants: no claims."""
        return self.filter(is_claim=False)


class Domain(DomainMixin):
    """A host that leads to a tenant (`bots.acme.com`), without port, lower case; or a tenant's claim to one.

    A claim leads nowhere and keeps nobody else off: any number of tenants may have one to the same host.
    """

    domain: Any = models.CharField(max_length=253)
    is_claim = models.BooleanField(
        _("only claimed"), default=False, db_default=False,
        help_text=_("The tenant has not shown yet that the host is its own, so it leads nowhere."),
    )  # fmt: skip
    tenant: models.ForeignKey[Tenant, Tenant] = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="domains"
    )
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_outcome = models.CharField(
        max_length=20, blank=True, default="", db_default="", editable=False
    )
    proof_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    proof_missed_at = models.DateTimeField(null=True, blank=True, editable=False)
    proof_looked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = DomainQuerySet.as_manager()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["domain"], condition=models.Q(is_claim=False), name="host_leads_to_one_tenant",
                violation_error_message=_("This host leads to a tenant already."),
            ),
            models.UniqueConstraint(
                fields=["tenant", "domain"], name="host_once_per_tenant",
                violation_error_message=_("The tenant has this host already."),
            ),
        ]  # fmt: skip

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.domain = str(self.domain).lower()
        if not self.is_claim:
            return super().save(*args, **kwargs)
        self.is_primary = False  # which django-tenants would make the first one of a tenant
        return super(DomainMixin, self).save(*args, **kwargs)

    def lead(self, *, is_proven: bool = False) -> None:
        """Have a host lead to its tenant from now on, since its TXT record was found or an operator says so.

        Raises IntegrityError where the host leads to another one.
        """
        self.is_claim = False
        self.proof_seen_at = self.proof_missed_at = self.proof_looked_at = None
        if is_proven:
            self.see_proof()
        self.save()

    def see_proof(self) -> None:
        """Its TXT record was found."""
        self.proof_seen_at = self.proof_looked_at = timezone.now()
        self.proof_missed_at = None

    def miss_proof(self) -> None:
        """The DNS answers without its TXT record."""
        self.proof_looked_at = timezone.now()
        self.proof_missed_at = self.proof_missed_at or self.proof_looked_at

    def lose(self) -> None:
        """Have it be a claim again, which leads nowhere until it is proven anew."""
        self.is_claim, self.check_outcome = True, "unproven"
        self.proof_seen_at = self.proof_missed_at = self.proof_looked_at = None
        self.save()

    @property
    def leads_until(self) -> datetime | None:
        """When it leads here no more, unless its TXT record is found before."""
        if self.is_claim or self.proof_missed_at is None or not settings.HOST_PROOF_DAYS:
            return None
        return self.proof_missed_at + timedelta(days=settings.HOST_PROOF_DAYS)
