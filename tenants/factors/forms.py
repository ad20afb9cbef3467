"""Forms of the pages about proving who one is."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"), max_length=20,
        help_text=_("The six digits that your app shows now, or one of your recovery codes."),
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )  # fmt: skip


class ProofForm(forms.Form):
    proof = forms.CharField(
        label=_("Password or code"), max_length=1024, strip=False,
        help_text=_("Your password, or the code that your app shows now."),
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password", "autofocus": True}),
    )  # fmt: skip
