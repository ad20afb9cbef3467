"""Where somebody is logged in to an admin: one row for each browser's session, which can be ended from another one."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, ClassVar

from django.contrib.sessions.models import Session
from django.db import models, transaction
from django.utils import timezone

from tenants.sessions.browsers import name_browser

if TYPE_CHECKING:
    from tenants.models import User


class BrowserSessionQuerySet(models.QuerySet["BrowserSession"]):
    def alive(self) -> BrowserSessionQuerySet:
        """Those whose session has neither ended nor expired."""
        going_on = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
        return self.filter(session_key__in=going_on)

    def end(self) -> int:
        """Log all of these out, from the next request on; returns how many went on."""
        with transaction.atomic():
            keys = list(self.values_list("session_key", flat=True))
            count: int = Session.objects.filter(session_key__in=keys).delete()[0]
            BrowserSession.objects.filter(
                session_key__in=keys
            ).delete()  # none of them is alive now
        return count


class BrowserSession(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user: models.ForeignKey[User, User] = models.ForeignKey(
        "tenants.User", on_delete=models.CASCADE, related_name="browser_sessions"
    )
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    address = models.CharField(max_length=64, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    objects: ClassVar[BrowserSessionQuerySet] = BrowserSessionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.address

    @property
    def browser(self) -> str:
        """`Firefox on Linux`."""
        return name_browser(self.agent)
