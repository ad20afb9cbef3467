"""The part of a bot's form that says what is kept from models, and how that is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from tenants.settings.masking_form import KINDS, MASKING_NAMES, MaskingFields

BOT_MASKING_FIELDS: Final = ("masking_choice", *MASKING_NAMES)
_TENANTS, _OWN = "tenant", "own"


class BotMaskingFields(MaskingFields):
    """The bot's own choice, or its tenant's. Several fields are one column: it has changed where what they say has."""

    masking_choice = forms.ChoiceField(
        label=_("Whose choice counts"), required=False, widget=UnfoldAdminSelectWidget,
        choices=[(_TENANTS, _("As the tenant's settings say")), (_OWN, _("The bot's own choice, below"))],
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self._bot.masking
        self.show_masking(stored)
        if "masking_choice" in self.fields:
            self.fields["masking_choice"].initial = _OWN if stored else _TENANTS

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.add_prefix("masking_choice") not in self.data:
            return cleaned  # what is not sent stays as it is
        said = self.read_masking()
        if self.cleaned_data.get("masking_choice") != _OWN:
            said = {}
        elif not said:
            said = {"kinds": []}
        stored = self._bot.masking
        self.changed_data[:] = [
            name for name in self.changed_data if name not in BOT_MASKING_FIELDS
        ]
        if said != stored:
            self.initial["masking"] = stored
            self._bot.masking = said
            self.changed_data.append("masking")
        return cleaned

    @property
    def _bot(self) -> Any:
        return self.instance  # type: ignore[attr-defined]  # of the form of a model that it is a part of


def tell_masking(stored: Mapping[str, Any]) -> str:
    """A choice in lines."""
    if not stored:
        return gettext("As the tenant's settings say")
    told = [*(str(KINDS[each]) for each in KINDS if each in stored.get("kinds", ()))]
    told += stored.get("patterns", ())
    if stored.get("passages"):
        told.append(gettext("In passages as well"))
    return "\n".join(told) or gettext("nothing")
