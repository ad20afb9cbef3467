"""An operator's stay in a tenant: why, as what, and until when."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.people.roles import Role

if TYPE_CHECKING:
    from tenants.models import Tenant, User

LONGEST = timedelta(hours=8)


class EntryRole(models.TextChoices):
    """What an operator is while in a tenant: the rights are those of the role."""

    LOOK = Role.MEMBER.value, _("Look only")
    EDIT = Role.EDITOR.value, _("Edit bots and knowledge")
    ANSWER = Role.AGENT.value, _("Answer chats")
    ALL = Role.OWNER.value, _("Everything that owners may")


class OperatorEntryQuerySet(models.QuerySet["OperatorEntry"]):
    def alive(self) -> OperatorEntryQuerySet:
        return self.filter(ended_at__isnull=True, until__gt=timezone.now())

    def of(self, user: User, tenant: Tenant) -> OperatorEntry | None:
        """The stay of an operator who is in a tenant now."""
        return self.alive().filter(user=user, tenant=tenant).order_by("-created_at").first()

    def end(self) -> int:
        """Have those who are in be out, from the next request on; returns how many were."""
        return self.alive().update(ended_at=timezone.now())


class OperatorEntry(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user: models.ForeignKey[User, User] = models.ForeignKey(
        "tenants.User", on_delete=models.CASCADE, related_name="entries"
    )
    tenant: models.ForeignKey[Tenant, Tenant] = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="entries"
    )
    reason = models.CharField(max_length=500)
    role = models.CharField(max_length=10, choices=EntryRole, default=EntryRole.LOOK)
    until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[OperatorEntryQuerySet] = OperatorEntryQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        app_label = "tenants"
        ordering = ["-created_at"]
        verbose_name = "operator's stay"
        verbose_name_plural = "operators' stays"
        indexes = [models.Index(fields=["user", "tenant", "-until"], name="operator_entry_alive")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.tenant_id}"

    @property
    def ends_at(self) -> datetime:
        return self.ended_at or self.until

    @property
    def is_alive(self) -> bool:
        return self.ended_at is None and self.until > timezone.now()
