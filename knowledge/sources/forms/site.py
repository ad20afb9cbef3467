"""The part of the source's form that is for sites: how far a site goes, and how much of it may be lost unasked."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from bots.admin_fields import LinesField, TagsField
from knowledge.sites.bounds import WHOLE_NUMBERS
from knowledge.sources.forms.configured import ConfiguredFields
from knowledge.sources.presets import PRESETS

SITE_FIELDS: Final = (
    "preset",
    "include",
    "exclude",
    "languages",
    "max_pages",
    "max_depth",
    "ignore_sitemaps",
    "max_loss",
)


def _whole_number(label: Any, name: str) -> forms.IntegerField:
    least, most, default = WHOLE_NUMBERS[name]
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=least,
        max_value=most,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=format_lazy(
            _("{least} to {most}; empty: {default}."), least=least, most=most, default=default
        ),
    )


class SiteFields(ConfiguredFields):
    preset = forms.ChoiceField(
        label=_("Help centre of"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", _("None of these")), *((key, row.name) for key, row in PRESETS.items())],
        help_text=_("Fills in what is left empty: its sitemap, its articles (in the language of the address, such as "
        "https://help.example.com/hc/de), and which part of a page is text."),
    )  # fmt: skip
    include = LinesField(
        label=_("Only these paths"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("One per line, such as /docs/*. Empty: all."),
    )  # fmt: skip
    exclude = LinesField(
        label=_("Not these paths"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("One per line, such as /blog/* or *?print=*."),
    )  # fmt: skip
    languages = TagsField(
        label=_("Only these languages"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Codes divided by commas, such as de, en. Empty: all."),
    )  # fmt: skip
    max_pages = _whole_number(_("Pages at most"), "max_pages")
    max_depth = _whole_number(_("Links deep"), "max_depth")
    ignore_sitemaps = forms.BooleanField(
        label=_("Only what is linked"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("Otherwise the pages that the sitemaps in its robots.txt name are read as well."),
    )  # fmt: skip
    max_loss = forms.FloatField(
        label=_("May lose unasked"), required=False, min_value=0, max_value=1, widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("The share of its pages or files; when more are lost at once a person is asked. Empty: 0.3."),
    )  # fmt: skip
