"""Forms of the pages that links from e-mails lead to."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminEmailInputWidget

from minirag.lib.bounds import longest
from tenants.models import User


class ForgottenForm(forms.Form):
    email = forms.EmailField(
        label=_("Email"),
        max_length=longest(User, "email"),
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "username"}),
    )
