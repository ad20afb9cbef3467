"""The part of the source's form that is for nyxCore: the base's address, its token, and what to ask it for."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
)

from knowledge.models import Source, SourceType
from knowledge.sources.configs import (
    AUTHORITIES,
    DEFAULT_BASE_URL,
    LONGEST_TOKEN,
    LONGEST_URL,
    MOST_RESULTS,
    prepare_config,
)
from minirag.lib.errors import BadInput

NYXCORE_FIELDS: Final = ("base_url", "api_token", "limit", "authority")


class NyxCoreFields(forms.Form):
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

    def show_nyxcore(self, config: dict[str, Any]) -> None:
        """Fill in what is stored, but for the token."""
        for name in ("base_url", "limit", "authority"):
            if name in self.fields:
                self.fields[name].initial = config.get(name)

    def clean_nyxcore(self, source: Source) -> None:
        """Put the checked values as a config into `cleaned_data["config"]`, or say what is wrong with them."""
        shown = {name: self.cleaned_data.get(name) for name in NYXCORE_FIELDS}
        others = {
            name: value for name, value in source.config.items() if name not in NYXCORE_FIELDS
        }
        config = others | {name: value for name, value in shown.items() if value}
        try:
            prepare_config(SourceType.NYXCORE, config, source_id=source.pk)
        except BadInput as error:
            field = next(
                (name for name in NYXCORE_FIELDS if f"config.{name} " in error.detail), None
            )
            self.add_error(field, error.detail.replace(f"config.{field}", "This"))
        self.cleaned_data["config"] = config
