"""Looks at a site, and the pages that each found. What answers is the version of the last look that is done."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from knowledge.models.sources import Source
from minirag.lib.errors import Conflict

KEPT_SYNCS: Final = 50
"""How many looks at a site are remembered, with what changed at each."""


class SyncState(models.TextChoices):
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waits for approval"
    DONE = "done", "Done"
    REJECTED = "rejected", "Rejected"
    SUPERSEDED = "superseded", "Overtaken by a later one"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class PageState(models.TextChoices):
    WAITING = "waiting", "Not looked at yet"
    READ = "read", "Read"
    GONE = "gone", "Not there any more"
    DUPLICATE = "duplicate", "Says what another page says"
    LEFT_OUT = "left_out", "Left out"
    FAILED = "failed", "Could not be read"


RESTRICTED: Final = "restricted"
"""The code of what is read to nobody, for it cannot be told who may read which part of it."""


class SiteSyncQuerySet(models.QuerySet["SiteSync"]):
    def open_of(self, source_id: uuid.UUID) -> SiteSyncQuerySet:
        """Return those of a source that are not over."""
        return self.filter(source=source_id, state__in=(SyncState.RUNNING, SyncState.WAITING))

    def end(self, state: SyncState) -> int:
        """Give up open ones; their pages are forgotten, and what answered before goes on answering."""
        ids = list(self.values_list("pk", flat=True))
        SitePage.objects.filter(sync__in=ids)._raw_delete("default")
        return self.filter(pk__in=ids).update(state=state, ended_at=timezone.now())

    def forget_old(self, source_id: uuid.UUID) -> None:
        """Remove what is beyond the KEPT_SYNCS newest, but never the one whose pages answer."""
        newest = self.filter(source=source_id).order_by("-started_at")
        done = newest.filter(state=SyncState.DONE).values_list("pk", flat=True)[:1]
        old = set(newest.values_list("pk", flat=True)[KEPT_SYNCS:]) - set(done)
        self.filter(pk__in=old).delete()

    def cancel_running(self, source_id: uuid.UUID) -> int:
        return self.open_of(source_id).filter(state=SyncState.RUNNING).end(SyncState.CANCELLED)


class SiteSync(models.Model):
    """One look at a site: what was found, what has changed, and what became of it.

    Whose turn it is says the source, which is the job; every change here is made by the worker that has claimed it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.ForeignKey(
        Source,
        on_delete=models.CASCADE,
        related_name="syncs",
        db_index=False,  # site_sync_by_source leads with it
    )
    state = models.CharField(max_length=10, choices=SyncState, default=SyncState.RUNNING)
    is_approved = models.BooleanField(default=False)
    reads_all_anew = models.BooleanField(
        default=False, editable=False,
        help_text="Whether every page is fetched and cut anew, though it may not have changed.",
    )  # fmt: skip
    setup = models.CharField(
        max_length=64,
        editable=False,
        help_text="Changes when the same pages may give other chunks.",
    )
    base = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="The source's fingerprint when it began.",
    )
    host = models.CharField(max_length=300, blank=True, default="", editable=False)
    is_listed = models.BooleanField(
        default=False, editable=False, help_text="Whether a sitemap says which pages there are."
    )
    robots = models.TextField(null=True, blank=True, editable=False)
    failed_in_a_row = models.PositiveIntegerField(default=0, editable=False)
    bytes_fetched = models.BigIntegerField(default=0)
    pages_done = models.PositiveIntegerField(default=0)
    pages_total = models.PositiveIntegerField(default=0)
    pages_left_over = models.PositiveIntegerField(
        default=0, help_text="Links that were found after `max_pages` was reached, repeats counted."
    )
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(
        default=0,
        help_text="Not found at this look, and answering until they were looked for once more.",
    )
    failed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=list, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_message = models.CharField(max_length=2000, blank=True, default="")
    started_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SiteSyncQuerySet.as_manager()

    class Meta:
        verbose_name = "sync"
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["source", "-started_at"], name="site_sync_by_source")]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(state="running"), name="one_running_sync_of_a_site"
            )
        ]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.get_state_display().lower()}"

    @property
    def progress(self) -> dict[str, Any] | None:
        return self.source.progress if self.state == SyncState.RUNNING else None

    def note(self, **facts: Any) -> None:
        """Keep what was learnt on the way."""
        for name, value in facts.items():
            setattr(self, name, value)
        self.save(update_fields=[*facts, "updated_at"])

    def hold(self) -> None:
        """Wait for a person: more is lost than may be lost unasked."""
        self.state = SyncState.WAITING
        self.save(update_fields=["state", "updated_at"])

    def approve(self) -> None:
        """Go on where it was held; the caller queues the source. Raises Conflict where nothing waits."""
        self._decide(state=SyncState.RUNNING, is_approved=True, error_code="", error_message="")

    def reject(self) -> None:
        """Change nothing. Raises Conflict where nothing waits."""
        self._decide(state=SyncState.REJECTED, ended_at=timezone.now())
        SitePage.objects.filter(sync=self)._raw_delete("default")

    def _decide(self, **facts: Any) -> None:
        waiting = SiteSync.objects.filter(pk=self.pk, state=SyncState.WAITING)
        if not waiting.update(**facts, updated_at=timezone.now()):
            raise Conflict(gettext("This sync does not wait for approval"), code="sync_not_waiting")
        for name, value in facts.items():
            setattr(self, name, value)

    def finish(self) -> None:
        """Its pages are what answers now; what was kept of earlier looks beside their differences is forgotten."""
        self.state, self.ended_at = SyncState.DONE, timezone.now()
        self.save(update_fields=["state", "ended_at", "updated_at"])
        SitePage.objects.filter(sync=self, body__isnull=False).update(body=None)
        SitePage.objects.filter(sync__source=self.source_id).exclude(sync=self)._raw_delete(
            "default"
        )
        SiteSync.objects.forget_old(self.source_id)

    def fail(self, code: str, reason: str) -> None:
        self.state, self.ended_at = SyncState.FAILED, timezone.now()
        self.error_code, self.error_message = code[:64], reason[:2000]
        self.save(update_fields=["state", "ended_at", "error_code", "error_message", "updated_at"])
        SitePage.objects.filter(sync=self)._raw_delete("default")


class SitePage(models.Model):
    """A page as one look at its site found it. Those that are still `waiting` are what there is left to look at."""

    id = models.UUIDField(primary_key=True, editable=False)
    sync = models.ForeignKey(
        SiteSync,
        on_delete=models.CASCADE,
        related_name="pages",
        db_index=False,  # site_page_frontier leads with it
    )
    url = models.CharField("address", max_length=2048)
    depth = models.PositiveSmallIntegerField(default=0)
    is_list = models.BooleanField(
        default=False, help_text="A sitemap or feed: it says which pages there are."
    )
    state = models.CharField(max_length=10, choices=PageState, default=PageState.WAITING)
    code = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=500, blank=True, default="")
    answers = models.BooleanField(default=False)
    groups = models.JSONField(
        "for", null=True, blank=True, editable=False,
        help_text="The groups that it says it is for: none of them, nobody but the tenant's own people.",
    )  # fmt: skip
    title = models.CharField(max_length=500, blank=True, default="")
    language = models.CharField(max_length=8, blank=True, default="")
    canonical = models.CharField(max_length=2048, blank=True, default="", editable=False)
    content_hash = models.CharField(max_length=64, blank=True, default="", editable=False)
    etag = models.CharField(max_length=255, blank=True, default="", editable=False)
    last_modified = models.CharField(max_length=64, blank=True, default="", editable=False)
    times_missing = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(
        null=True, editable=False, help_text="Its text, packed, until that is in the index."
    )

    class Meta:
        verbose_name, verbose_name_plural = "page or file", "pages and files"
        ordering = ["-is_list", "depth", "url"]
        indexes = [models.Index(fields=["sync", "state", "depth"], name="site_page_frontier")]

    def __str__(self) -> str:
        return self.url


def identify_page(sync_id: uuid.UUID, url: str) -> uuid.UUID:
    """One row for each address in a sync, however often it is found."""
    return uuid.uuid5(sync_id, url)
