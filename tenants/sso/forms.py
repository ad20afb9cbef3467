"""The form of a tenant's provider for single sign-on."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from minirag.lib.bounds import longest
from tenants.models import Role
from tenants.sso.models import SsoProvider

_ROLES = [choice for choice in Role.choices if choice[0] not in (Role.OWNER, Role.ADMIN)]


class ProviderForm(forms.Form):
    issuer = forms.URLField(
        label=_("Issuer"), max_length=longest(SsoProvider, "issuer"), assume_scheme="https",
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The address of your provider, such as https://login.example.com/realms/acme."),
    )  # fmt: skip
    client_id = forms.CharField(
        label=_("Client id"),
        max_length=longest(SsoProvider, "client_id"),
        widget=UnfoldAdminTextInputWidget,
    )
    client_secret = forms.CharField(
        label=_("Client secret"), max_length=1000, required=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Kept encrypted and never shown. Empty: as it is."),
    )  # fmt: skip
    allowed_domains = forms.CharField(
        label=_("Domains"), widget=UnfoldAdminTextInputWidget,
        help_text=_("Whose e-mails may come in, such as acme.com, acme.de."),
    )  # fmt: skip
    makes_users = forms.BooleanField(
        label=_("Make users"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("Who is not known here yet becomes a user. Otherwise people are invited first."),
    )  # fmt: skip
    default_role = forms.ChoiceField(
        label=_("Their role"), choices=_ROLES, widget=UnfoldAdminSelectWidget, initial=Role.MEMBER
    )
    is_required = forms.BooleanField(
        label=_("Required"), required=False, widget=UnfoldBooleanSwitchWidget,
        help_text=_("Nobody but owners logs in with a password any more."),
    )  # fmt: skip
    is_active = forms.BooleanField(
        label=_("On"), required=False, initial=True, widget=UnfoldBooleanSwitchWidget
    )

    @classmethod
    def of(cls, provider: SsoProvider | None, data: Any) -> ProviderForm:
        """The form with what is set, and what was sent; it changes no row by itself."""
        if provider is None:
            return cls(data)
        names = ("issuer", "client_id", "makes_users", "default_role", "is_required", "is_active")
        initial = {name: getattr(provider, name) for name in names}
        return cls(
            data, initial={**initial, "allowed_domains": ", ".join(provider.allowed_domains)}
        )

    def clean_allowed_domains(self) -> list[str]:
        parts = [
            each.strip().lower().removeprefix("@")
            for each in self.cleaned_data["allowed_domains"].split(",")
        ]
        domains = [each for each in parts if each]
        column: Any = SsoProvider._meta.get_field("allowed_domains")
        column.run_validators(domains)
        return domains
