"""The part of the source's form that is for sites: how far a site goes, and how much of it may be lost unasked."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bots.admin_fields import LinesField, TagsField
from knowledge.models import Source, SourceType
from knowledge.sites.bounds import WHOLE_NUMBERS
from knowledge.sources.configs import prepare_config
from minirag.lib.errors import BadInput

SITE_FIELDS: Final = ("include", "exclude", "languages", "max_pages", "max_depth", "max_loss")


def _whole_number(label: str, name: str) -> forms.IntegerField:
    least, most, default = WHOLE_NUMBERS[name]
    return forms.IntegerField(
        label=label, required=False, min_value=least, max_value=most, widget=UnfoldAdminIntegerFieldWidget,
        help_text=f"{least} to {most}; empty: {default}.",
    )  # fmt: skip


class SiteFields(forms.Form):
    include = LinesField(
        label="Only these paths", required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="One per line, such as /docs/*. Empty: all of the host.",
    )  # fmt: skip
    exclude = LinesField(
        label="Not these paths", required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="One per line, such as /blog/* or *?print=*.",
    )  # fmt: skip
    languages = TagsField(
        label="Only these languages", required=False, widget=UnfoldAdminTextInputWidget,
        help_text="Codes divided by commas, such as de, en. Empty: all.",
    )  # fmt: skip
    max_pages = _whole_number("Pages at most", "max_pages")
    max_depth = _whole_number("Links deep", "max_depth")
    max_loss = forms.FloatField(
        label="May lose unasked", required=False, min_value=0, max_value=1, widget=UnfoldAdminDecimalFieldWidget,
        help_text="The share of its pages; when more are lost at once a person is asked. Empty: 0.3.",
    )  # fmt: skip

    def show_site(self, config: dict[str, Any]) -> None:
        for name in SITE_FIELDS:
            if name in self.fields:
                self.fields[name].initial = config.get(name)

    def clean_site(self, source: Source, url: str) -> None:
        """Put the checked values as a config into `cleaned_data["config"]`, or say what is wrong with them."""
        shown = {name: self.cleaned_data.get(name) for name in SITE_FIELDS}
        others = {name: value for name, value in source.config.items() if name not in SITE_FIELDS}
        said = {name: value for name, value in shown.items() if value not in (None, [], "")}
        config = others | said | {"url": url}
        try:
            prepare_config(SourceType.SITE, config, source_id=source.pk)
        except BadInput as error:
            names = (*SITE_FIELDS, "url")
            field = next(
                (name for name in names if error.detail.startswith(f"config.{name} ")), None
            )
            self.add_error(field, error.detail.replace(f"config.{field}", "This"))
        self.cleaned_data["config"] = config
