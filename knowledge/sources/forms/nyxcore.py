"""The part of the source's form that is for nyxCore: the base's address, its token, and what to ask it for."""

from __future__ import annotations

from typing import Final

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
)

from knowledge.sources.configs import (
    AUTHORITIES,
    DEFAULT_BASE_URL,
    LONGEST_TOKEN,
    LONGEST_URL,
    MOST_RESULTS,
)
from knowledge.sources.forms.configured import ConfiguredFields

NYXCORE_FIELDS: Final = ("base_url", "api_token", "limit", "authority")


_AUTHORITIES = (gettext_noop("Mandatory"), gettext_noop("Guideline"), gettext_noop("Informational"))


class NyxCoreFields(ConfiguredFields):
    """The stored token is never shown; an empty field keeps it."""

    base_url = forms.CharField(
        label=_("Address of the base"),
        required=False,
        max_length=LONGEST_URL,
        widget=UnfoldAdminTextInputWidget,
        help_text=format_lazy(
            _("Empty: {default_base_url}. A new server needs its token again."),
            default_base_url=DEFAULT_BASE_URL,
        ),
    )
    api_token = forms.CharField(
        label=_("API token"),
        required=False,
        max_length=LONGEST_TOKEN,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("Kept encrypted and never shown. Empty: the stored one stays."),
    )
    limit = forms.IntegerField(
        label=_("Results per question"),
        required=False,
        min_value=1,
        max_value=MOST_RESULTS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=format_lazy(_("1 to {most_results}; empty: 10."), most_results=MOST_RESULTS),
    )
    authority = forms.MultipleChoiceField(
        label=_("Ask for"),
        required=False,
        choices=[(name, _(name.capitalize())) for name in AUTHORITIES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None chosen: all of them."),
    )
