"""The form of a bot's handoff rules: hours are lines that people can read."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from conversations.handoffs.hours import DAYS, check_hours, is_date, write_hours
from conversations.models import HandoffRules
from tenants.admin_site.meanwhile import GuardedModelForm

_SPAN: Final = re.compile(r"^(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})$")


def read_hours(text: str) -> dict[str, Any]:
    """The table of what `write_hours` writes. Raises ValidationError."""
    hours: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        day, _, rest = line.partition(" ")
        day = day.rstrip(":").lower()
        day = day if is_date(day) else day[:3]
        if not (day in DAYS or is_date(day)) or day in hours:
            raise ValidationError(
                gettext(
                    "“%(what)s” does not begin with a day of its own: %(days)s, or a date such as 12-25."
                )
                % {"what": line[:60], "days": ", ".join(DAYS)}
            )
        told = rest.strip()
        parts = [] if told.lower() == "closed" else [each.strip() for each in told.split(",")]
        spans = [_SPAN.match(part) for part in parts]
        if not all(spans):
            raise ValidationError(
                gettext("“%(what)s”: times are written as mon 09:00-17:00.") % {"what": line[:60]}
            )
        hours[day] = [[f"{time:0>5}" for time in span.groups()] for span in spans if span]
    check_hours(hours)
    return hours


class HoursField(forms.CharField):
    """A weekly table in a text area."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 9, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return write_hours(value) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        return read_hours(super().to_python(value) or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool((initial or {}) != read_hours(data or ""))
        except ValidationError:
            return True


class HandoffRulesForm(GuardedModelForm):
    hours = HoursField(
        required=False,
        label=_("When people are there"),
        help_text=_(
            "One day per line, in the tenant's time zone: mon 09:00-12:00, 13:00-17:00. A day that is not "
            "named is closed. Holidays are dates, of one year or of each: 2026-12-24 09:00-12:00 or 12-25 closed. "
            "Empty: always there."
        ),
    )

    class Meta:
        model = HandoffRules
        fields = "__all__"  # the page's own list chooses
