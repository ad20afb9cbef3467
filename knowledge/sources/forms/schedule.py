"""The field of a form that says when a source is read again: an interval, or times as in cron."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from knowledge.sources.schedule import (
    LONGEST_SCHEDULE,
    RefreshSchedule,
    find_fault,
    looks_like_times,
)
from tenants.context import require_tenant

_SUGGESTED: Final = (
    ("hourly", _("Every hour")),
    ("daily", _("Every day")),
    ("weekly", _("Every week")),
    ("15 6 * * 1-5", _("At 06:15 from Monday to Friday")),
    ("0 22 * * *", _("At 22:00 every day")),
    ("30 7 1 * *", _("At 07:30 on the first of the month")),
)


class _Suggesting(UnfoldAdminTextInputWidget):
    """A text field that offers what is mostly chosen."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        field = super().render(name, value, {**(attrs or {}), "list": "schedules"}, renderer)
        options = format_html_join("", '<option value="{}">{}</option>', _SUGGESTED)
        return format_html('{}<datalist id="schedules">{}</datalist>', field, options)


class ScheduleField(forms.CharField):
    widget = _Suggesting

    def __init__(self, **options: Any) -> None:
        super().__init__(
            label=_("Read again"), required=False, max_length=LONGEST_SCHEDULE, **options
        )

    def explain(self) -> None:
        """Say on the page whose clock counts."""
        self.help_text = gettext(
            "Empty: never. hourly, daily, weekly, or times as in cron: minute, hour, day, month, "
            "weekday, by the clock of %(time_zone)s."
        ) % {"time_zone": require_tenant().time_zone}

    def clean(self, value: Any) -> str | None:
        text: str = " ".join(super().clean(value).split())
        if not text:
            return None
        if not looks_like_times(text):
            if text in RefreshSchedule.values:
                return text
            raise forms.ValidationError(
                gettext("Write hourly, daily, weekly, or five parts as in 15 6 * * 1-5.")
            )
        if fault := find_fault(text):
            raise forms.ValidationError(fault)
        return text


def tell_moment(moment: datetime | None) -> str:
    """`Mon 30 Nov 06:15 Europe/Berlin`, by the tenant's clock."""
    zone = require_tenant().time_zone
    return f"{moment.astimezone(ZoneInfo(zone)):%a %d %b %H:%M} {zone}" if moment else "–"
