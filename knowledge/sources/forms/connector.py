"""The part of the source's form that is for connectors: where the files are, and how many of them are taken."""

from __future__ import annotations

from typing import Final

from django import forms
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from knowledge.connectors.limits import LONGEST_KEY, MOST_FILES
from knowledge.models import SourceType
from knowledge.sources.forms.configured import ConfiguredFields

_CHOOSING: Final = (
    "folder",
    "include",
    "exclude",
    "languages",
    "max_files",
    "max_loss",
    "link_base",
)
CONNECTOR_FIELDS: Final[dict[str, tuple[str, ...]]] = {SourceType.FOLDER.value: _CHOOSING}
"""The fields of each connector in their order; some are the site's as well."""


class ConnectorFields(ConfiguredFields):
    """A stored secret is never shown; an empty field keeps it."""

    folder = forms.CharField(
        label="Only this folder", required=False, max_length=LONGEST_KEY, widget=UnfoldAdminTextInputWidget,
        help_text="Such as manuals/2026. Empty: all there is.",
    )  # fmt: skip
    max_files = forms.IntegerField(
        label="Files at most", required=False, min_value=1, max_value=MOST_FILES,
        widget=UnfoldAdminIntegerFieldWidget, help_text=f"1 to {MOST_FILES}; empty: 1000.",
    )  # fmt: skip
    link_base = forms.CharField(
        label="Address for readers", required=False, max_length=LONGEST_KEY, widget=UnfoldAdminTextInputWidget,
        help_text="Where readers find the files, such as https://files.example.com/: citations lead there, with the "
        "file's path behind it.",
    )  # fmt: skip
