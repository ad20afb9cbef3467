"""The part of a bot's form that chooses among the tenant's provider keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from bots.models import BotProfile, ProviderCredential
from bots.providers.changing import MOST_CHOSEN, check_alike
from minirag.lib.errors import BadInput


class _KeysField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        ends = ", " + gettext("ends in %(ends)s") % {"ends": obj.last_four} if obj.last_four else ""
        return f"{obj.name} ({obj.provider}{ends})"


class ProviderKeyFields(forms.Form):
    """One key of a provider at most; each goes to models of its provider alone."""

    provider_keys = _KeysField(
        ProviderCredential.objects.none(),
        label=_("Provider keys"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_(
            "Of those under Provider keys, one of each provider. A key goes to models of its provider alone: for "
            "answers, rewriting, ordering, judging and embedding."
        ),
    )

    def show_keys(self, bot: Any) -> None:
        """Offer the tenant's keys, with those that the bot has chosen."""
        field: Any = self.fields.get("provider_keys")
        if field is None:
            return
        field.queryset = ProviderCredential.objects.all()
        if not bot._state.adding:
            chosen = bot.provider_choices.order_by("credential_id").values_list(
                "credential_id", flat=True
            )
            self.initial["provider_keys"] = list(chosen)

    def clean_provider_keys(self) -> list[ProviderCredential]:
        chosen = list(self.cleaned_data["provider_keys"])
        if len(chosen) > MOST_CHOSEN:
            raise ValidationError(
                gettext("At most %(most_chosen)s.") % {"most_chosen": MOST_CHOSEN}
            )
        try:
            check_alike(chosen)
        except BadInput as error:
            raise ValidationError(error.detail) from None
        return chosen


def tell_key(bot: BotProfile) -> str:
    """Whose key a bot asks its models with."""
    if bot.has_credentials:
        own = gettext("its own, for %s") % bot.key_provider
        return own if bot.key_provider else gettext("its own")
    chosen = [each.provider for each in bot.provider_choices.all()]
    return ", ".join(sorted(chosen)) or gettext("the installation's")
