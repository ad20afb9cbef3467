"""The part of the source's form that is for nyxCore: the base's address, its token, and what to ask it for."""

from __future__ import annotations

from typing import Final

from django import forms
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


class NyxCoreFields(ConfiguredFields):
    """The stored token is never shown; an empty field keeps it."""

    base_url = forms.CharField(
        label="Address of the base",
        required=False,
        max_length=LONGEST_URL,
        widget=UnfoldAdminTextInputWidget,
        help_text=f"Empty: {DEFAULT_BASE_URL}. A new server needs its token again.",
    )
    api_token = forms.CharField(
        label="API token",
        required=False,
        max_length=LONGEST_TOKEN,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Kept encrypted and never shown. Empty: the stored one stays.",
    )
    limit = forms.IntegerField(
        label="Results per question",
        required=False,
        min_value=1,
        max_value=MOST_RESULTS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"1 to {MOST_RESULTS}; empty: 10.",
    )
    authority = forms.MultipleChoiceField(
        label="Ask for",
        required=False,
        choices=[(name, name.capitalize()) for name in AUTHORITIES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="None chosen: all of them.",
    )
