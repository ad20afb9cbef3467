"""The part of a source's form that is for its rules of cleaning: what of it is no text, though taken for some."""

from __future__ import annotations

import re
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bots.admin_fields import LinesField
from knowledge.formats.cleaning import LONGEST_RULE, find_fault

CLEANING_FIELDS: Final = ("drop_lines", "keep_selector", "drop_selectors")
_NAMED: Final = re.compile(r"config\.clean(?:\.(\w+))?")


class CleaningFields(forms.Form):
    """Rules that are not sent stay as they are."""

    drop_lines = LinesField(
        label=_("Lines that are no text"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One per line; a * stands for anything, such as Was this helpful? *"),
    )  # fmt: skip
    keep_selector = forms.CharField(
        label=_("Only this part of a page"), required=False, max_length=LONGEST_RULE, widget=UnfoldAdminTextInputWidget,
        help_text=_("A CSS selector, such as main article. All of a page where it finds nothing."),
    )  # fmt: skip
    drop_selectors = LinesField(
        label=_("Parts of a page that are no text"), required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("CSS selectors, one per line, such as .related."),
    )  # fmt: skip

    def show_rules(self, config: dict[str, Any]) -> None:
        """Fill in what is stored."""
        self.stored_rules: dict[str, Any] = config.get("clean") or {}
        for name in CLEANING_FIELDS:
            self.fields[name].initial = self.stored_rules.get(name)

    def check_rules(self) -> None:
        """Say at its field what is wrong with one."""
        if fault := find_fault(self._rules):
            found = _NAMED.search(fault)
            name = found[1] if found and found[1] else "drop_selectors"
            self.add_error(name, _NAMED.sub(gettext("This"), fault))

    @property
    def _rules(self) -> dict[str, Any]:
        sent = {
            name: self.cleaned_data.get(name) if self.add_prefix(name) in self.data else stored
            for name in CLEANING_FIELDS
            for stored in [self.stored_rules.get(name)]
        }
        return {name: value for name, value in sent.items() if value}

    @property
    def has_other_rules(self) -> bool:
        return self._rules != {name: value for name, value in self.stored_rules.items() if value}

    def with_rules(self, config: dict[str, Any]) -> dict[str, Any]:
        """A config with these rules in place of its own."""
        others = {name: value for name, value in config.items() if name != "clean"}
        return {**others, "clean": self._rules} if self._rules else others
