"""The admin's form with which a newer file takes the place of an upload's, such as a newer export of the same pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from knowledge.formats.registry import BY_SUFFIX
from knowledge.sources.forms.files import read_file


class NewerFileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(BY_SUFFIX)}),
        help_text=_("It need not have the same name."),
    )

    def clean_file(self) -> Any:
        """Read it once, so that a broken file is refused while its owner looks."""
        file = self.cleaned_data["file"]
        self.cleaned_data["data"] = read_file(file).data
        return file
