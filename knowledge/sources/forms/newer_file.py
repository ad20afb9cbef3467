"""The admin's form with which a newer file takes the place of an upload's, such as a newer export of the same pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from knowledge.formats.isolated.measuring import check_isolated
from knowledge.formats.registry import BY_SUFFIX, advise, format_of_upload, list_uploadable
from knowledge.formats.uploads import largest_bytes
from minirag.lib.errors import BadInput


class NewerFileForm(forms.Form):
    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ",".join(BY_SUFFIX)}),
        help_text=_("It need not have the same name."),
    )

    def clean_file(self) -> Any:
        """Read it once, so that a broken file is refused while its owner looks."""
        file = self.cleaned_data["file"]
        name = file.name or ""
        found = format_of_upload(name)
        if found is None:
            told = gettext("This type of file cannot be read.%(advice)s Allowed: %(types)s") % {
                "advice": advise(name),
                "types": list_uploadable(),
            }
            raise forms.ValidationError(told)
        if (file.size or 0) > (most := largest_bytes(name)):
            raise forms.ValidationError(
                gettext("The file is too large: at most %(most)s MB.") % {"most": most // 2**20}
            )
        self.cleaned_data["data"] = data = file.read()
        try:
            if data:
                check_isolated(data, kind=found.kind, name=name)
        except BadInput as error:
            raise forms.ValidationError(error.detail) from None
        return file
