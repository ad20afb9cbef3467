"""The forms of the page of a tenant's settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
)

from minirag.lib.bounds import longest
from tenants.admin_site.meanwhile import GuardedForm
from tenants.branding.logos import LogoRefused, read_logo
from tenants.models import Tenant
from tenants.settings.changing import OWN
from tenants.settings.masking_form import MASKING_NAMES, MaskingFields


def _text(name: str, label: Any, help_text: Any = "", **options: Any) -> forms.CharField:
    options.setdefault("required", False)
    options.setdefault("widget", UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))
    return forms.CharField(
        label=label, max_length=longest(Tenant, name), help_text=help_text, **options
    )


class SettingsForm(MaskingFields, GuardedForm):
    """What `change_settings` takes; each value is judged by its column."""

    name = _text("name", gettext_lazy("Name"), required=True)
    shown_name = _text(
        "shown_name",
        gettext_lazy("Shown name"),
        gettext_lazy("What people and visitors read. Empty: the name."),
    )
    contact = _text(
        "contact", gettext_lazy("Contact"),
        gettext_lazy("An address or a telephone number, for visitors of bots that name nobody else."),
    )  # fmt: skip
    languages = forms.CharField(
        label=gettext_lazy("Languages"), required=False, max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "Of your people and visitors, the usual one first, such as: de, en. Mails are written in the first; it is "
            "expected of a question whose few words do not tell."
        ),
    )  # fmt: skip
    time_zone = _text(
        "time_zone",
        gettext_lazy("Time zone"),
        gettext_lazy("Where days and months begin, such as Europe/Berlin."),
        required=True,
    )
    default_model = _text(
        "default_model",
        gettext_lazy("Model of new bots"),
        gettext_lazy("Type to search the catalogue. Empty: the installation's."),
    )
    accent = _text(
        "accent", gettext_lazy("Colour"),
        gettext_lazy("Of buttons and links, such as #8a1c4a. It has to be readable on white, and white on it."),
    )  # fmt: skip
    dark_accent = _text(
        "dark_accent",
        gettext_lazy("Colour on dark pages"),
        gettext_lazy("Empty: made of the other, light enough to be read."),
    )

    @classmethod
    def of(cls, tenant: Tenant, data: Any) -> SettingsForm:
        initial = {name: getattr(tenant, name) for name in OWN}
        initial["languages"] = ", ".join(tenant.languages)
        return cls(data, initial=initial, guards=tenant.pk)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        url = f"{reverse('admin:bots_botprofile_models')}?mode=chat"
        attrs = {"data-models": url, "autocomplete": "off", "spellcheck": "false"}
        self.fields["default_model"].widget = UnfoldAdminTextInputWidget(attrs=attrs)
        self.show_masking(self.initial.pop("masking", {}))

    @property
    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields as the page shows them, group by group."""
        names = {
            _("Who you are"): ("name", "shown_name", "contact"),
            _("Languages and time"): ("languages", "time_zone"),
            _("Colours"): ("accent", "dark_accent"),
            _("Bots"): ("default_model",),
            _("Privacy"): MASKING_NAMES,
        }
        return [(title, [self[name] for name in group]) for title, group in names.items()]

    def clean_languages(self) -> str:
        text: str = self.cleaned_data["languages"]
        self._check("languages", split_languages(text))
        return ", ".join(split_languages(text))

    def clean_time_zone(self) -> str:
        return self._check("time_zone", self.cleaned_data["time_zone"])

    def clean_accent(self) -> str:
        return self._check("accent", self.cleaned_data["accent"].lower())

    def clean_dark_accent(self) -> str:
        return self._check("dark_accent", self.cleaned_data["dark_accent"].lower())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.masking = self.read_masking()
        return cleaned

    @staticmethod
    def _check(name: str, value: Any) -> Any:
        column: Any = Tenant._meta.get_field(name)
        if value:
            column.run_validators(value)
        return value

    @property
    def settings(self) -> dict[str, Any]:
        """What was sent, as `change_settings` takes it."""
        return {
            **self.cleaned_data,
            "languages": split_languages(self.cleaned_data["languages"]),
            "masking": self.masking,
        }


def split_languages(text: str) -> list[str]:
    return [part for part in text.lower().replace(",", " ").split() if part]


class LogoForm(forms.Form):
    logo = forms.FileField(
        label=gettext_lazy("Logo"), widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("A PNG, JPEG or SVG of at most 256 KiB. It is shown 32 pixels high."),
    )  # fmt: skip

    def clean_logo(self) -> bytes:
        file = self.cleaned_data["logo"]
        try:
            data: bytes = file.read(400_000)
            read_logo(data)
        except LogoRefused as error:
            raise ValidationError(_(str(error.detail))) from None
        return data


class HostForm(forms.Form):
    host = forms.CharField(
        label=gettext_lazy("New host"), max_length=253,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "bots.acme.com", "autocomplete": "off"}),
        help_text=gettext_lazy("Without https:// and path. Its DNS entry has to lead to this server."),
    )  # fmt: skip
