"""Admin pages of what belongs to no app of ours: beat's schedule. Its tasks are code; when they run is data."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.admin import register
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from unfold.decorators import action, display

from minirag.operations.backing_up.nightly import check_backup
from minirag.operations.diagnosis import check_beat, diagnose
from minirag.operations.slow_statements import find_slow_statements
from tenants.admin_site.model_admin import ProductAdmin, format_age
from tenants.admin_site.sites import platform_site
from tenants.backend.slowness import DAYS
from tenants.platform.queues import list_queues


class ScheduleAdmin(ProductAdmin):
    """Deleting one would delete its tasks with it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(PeriodicTask, site=platform_site)
class PeriodicTaskAdmin(ScheduleAdmin):
    actions_list = ("health", "slow_statements")
    list_display = ("name", "task", "enabled", "shown_schedule", "shown_run", "total_run_count")
    list_filter = ("enabled",)
    list_select_related = ("interval", "crontab")
    search_fields = ("name", "task")
    autocomplete_fields = ("interval", "crontab")
    readonly_fields = ("name", "task", "last_run_at", "total_run_count")
    fieldsets = (
        (None, {"fields": (("name", "task"), "enabled", "description")}),
        (
            _("Schedule"),
            {"fields": (("interval", "crontab"),), "description": _("One of the two.")},
        ),
        (_("Facts"), {"fields": (("last_run_at", "total_run_count"),)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @action(description=_("Health"), icon="monitor_heart", url_path="health")
    def health(self, request: HttpRequest) -> HttpResponse:
        """Every part of the installation, with what to do, and whose work waits."""
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": gettext("Health"),
            "findings": [each.told() for each in (*diagnose(), check_beat(), check_backup())], "queues": list_queues(),
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/platform_health.html", context)

    @action(description=_("Slow statements"), icon="hourglass_bottom", url_path="slow-statements")
    def slow_statements(self, request: HttpRequest) -> HttpResponse:
        """What takes the database's time, by statements without values."""
        found, is_of_postgres = find_slow_statements()
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": gettext("Slow statements"),
            "statements": found, "is_of_postgres": is_of_postgres, "limit": settings.SLOW_STATEMENT_MS, "days": DAYS,
        }  # fmt: skip
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/slow_statements.html", context)

    @display(description=_("schedule"))
    def shown_schedule(self, task: PeriodicTask) -> str:
        return str(task.interval or task.crontab or "–")

    @display(description=_("last run"), ordering="last_run_at")
    def shown_run(self, task: PeriodicTask) -> str:
        return format_age(task.last_run_at)


@register(IntervalSchedule, site=platform_site)
class IntervalAdmin(ScheduleAdmin):
    list_display = ("__str__", "every", "period")
    search_fields = ("every", "period")


@register(CrontabSchedule, site=platform_site)
class CrontabAdmin(ScheduleAdmin):
    list_display = ("__str__", "timezone")
    search_fields = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
