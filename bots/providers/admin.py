"""Admin pages of provider keys: kept once, tested, replaced in one place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from bots.models import ProviderCredential
from bots.providers.changing import change_provider, check_key, forget_key, keep_key, list_providers
from bots.providers.trying import PASSING, KeyOutcome, KeyTrial, choose_model, try_stored
from minirag.ai import catalogue
from minirag.ai.credentials import LONGEST_KEY
from minirag.lib.errors import BadInput
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import ProductAdmin, format_age, once_per_row, posted
from tenants.admin_site.sites import tenant_site
from tenants.plans.models import Feature

_USUAL = ("openai", "anthropic", "mistral", "gemini", "cohere", "voyage", "hosted_vllm")


def _list_choices() -> list[tuple[str, Any]]:
    others = [name for name in catalogue.list_providers() if name not in _USUAL]
    usual = [(name, name) for name in _USUAL]
    return [
        ("", gettext("Choose one")),
        (gettext("Often used"), usual),
        (gettext("All others"), [(name, name) for name in others]),
    ]


class ProviderForm(GuardedModelForm):
    """A key that can be written and never read."""

    provider = forms.ChoiceField(label=_("Provider"),
        choices=_list_choices, widget=UnfoldAdminSelectWidget,
        help_text=_("A server of your own that speaks OpenAI's protocol is openai, hosted_vllm or lm_studio."),
    )  # fmt: skip
    new_key = forms.CharField(
        label=_("API key"), required=False, strip=True, max_length=LONGEST_KEY,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_("It is stored encrypted and shown to nobody. A new one counts for all bots that use it, from their "
        "next call on; empty leaves the stored one as it is."),
    )  # fmt: skip

    class Meta:
        model = ProviderCredential
        fields = ("name", "provider", "api_base")
        widgets = {"api_base": UnfoldAdminTextInputWidget()}
        help_texts = {
            "name": _("So that you know it again, such as whose invoice it is."),
            "api_base": _(
                "Only for a server of your own, ending in /v1. A key is for one address: another needs the key "
                "again."
            ),
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        row, key, base = self.instance, cleaned.get("new_key"), cleaned["api_base"]
        is_new = row._state.adding
        if not key and (is_new or base != self.initial.get("api_base")):
            said = (
                gettext("Enter the key.")
                if is_new
                else gettext("Another address needs its key with it.")
            )
            self.add_error("new_key", said)
        elif key:
            try:
                changed = base if is_new or base != self.initial.get("api_base") else ""
                check_key(cleaned.get("provider") or row.provider, key, changed)
            except BadInput as error:
                raise ValidationError(error.detail) from None
        return cleaned


class TrialForm(forms.Form):
    model = forms.CharField(label=_("Model"),
        max_length=catalogue.LONGEST_MODEL, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Empty: one of a bot that uses the key, else a small one of the provider's."),
    )  # fmt: skip


_SHORT = (  # a test's outcome in the list, by its value
    gettext_noop("works"), gettext_noop("wrong key"), gettext_noop("no money"), gettext_noop("no such model"),
    gettext_noop("busy"), gettext_noop("too slow"), gettext_noop("unreachable"), gettext_noop("unreadable"),
    gettext_noop("refused"),
)  # fmt: skip


@register(ProviderCredential, site=tenant_site)
class ProviderCredentialAdmin(ProductAdmin):
    form = ProviderForm
    nothing_yet = _(
        "A provider key lets bots use models of OpenAI, Anthropic, Mistral and others. Without one they answer "
        "offline, by quoting their sources."
    )
    list_display = ("name", "provider", "shown_key", "shown_bots", "shown_test", "key_set_at")
    list_filter = ("provider",)
    search_fields = ("name", "provider")
    fixed_once_saved = ("provider",)
    feature = Feature.PROVIDER_KEYS
    needs_proof = True
    facts_once_saved = True
    actions_detail = ("try_key",)
    readonly_fields = ("shown_key", "shown_bots", "told_test", "key_set_at", "created_at")
    fieldsets = (
        (None, {"fields": ("name", "provider", "new_key", "api_base")}),
        (_("Facts"), {"fields": ("shown_key", "told_test", "shown_bots", ("key_set_at", "created_at"))}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderCredential]:
        return list_providers().prefetch_related("choices__bot_profile")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if not obj or self.has_change_permission(request, obj):
            return found
        return [("", {"fields": ("name", "provider", "api_base")}), *found[1:]]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data = form.cleaned_data
        if not change:
            made = keep_key(data["name"], data["provider"], data["new_key"], data["api_base"])
            obj.pk, obj._state.adding = made.pk, False
            return
        changes = {"name": data["name"], "api_base": data["api_base"]}
        change_provider(obj.pk, changes | ({"api_key": data["new_key"]} if data["new_key"] else {}))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        forget_key(obj.pk)

    @display(description=_("key"))
    def shown_key(self, row: ProviderCredential) -> str:
        return f"•••• {row.last_four}" if row.last_four else "••••"

    @display(description=_("used by"))
    @once_per_row
    def shown_bots(self, row: ProviderCredential) -> str:
        if row._state.adding:
            return "–"
        bots = sorted((each.bot_profile for each in row.choices.all()), key=str)
        links = ((reverse("admin:bots_botprofile_change", args=[bot.pk]), str(bot)) for bot in bots)
        return format_html_join(", ", '<a class="mr-link" href="{}">{}</a>', links) or gettext(
            "no bot yet"
        )

    @display(
        description=_("last test"),
        label={"works": "success", "fails": "danger", "unsure": "warning", "untested": "info"},
    )
    def shown_test(self, row: ProviderCredential) -> tuple[str, str]:
        if not row.test_outcome:
            return "untested", gettext("not tested")
        outcome = KeyOutcome(row.test_outcome)
        kind = "works" if outcome == KeyOutcome.WORKS else "unsure" if outcome in PASSING else "fails"  # fmt: skip
        return kind, f"{gettext(outcome.value.replace('_', ' '))}, {format_age(row.tested_at)}"

    @display(description=_("last test"))
    def told_test(self, row: ProviderCredential) -> str:
        said = f": {KeyOutcome(row.test_outcome).label}" if row.test_outcome else ""
        return f"{self.shown_test(row)[1]}{said}"

    @action(description=_("Test this key"), permissions=["change"], icon="network_check")
    def try_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row: ProviderCredential = self.require_object(request, object_id)

        def act(data: dict[str, Any]) -> None:
            model = data["model"].strip() or choose_model(row)
            trial: KeyTrial = try_stored(row, model)
            self.log_change(request, row, f"Tested it with {model}: {trial.outcome.value}.")
            level = messages.SUCCESS if trial.works else messages.ERROR
            self.message_user(request, f"{trial.detail} ({model}, {trial.milliseconds} ms)", level)

        return self.ask(
            request,
            act,
            title=gettext("Test %(row)s?") % {"row": row},
            submit=gettext("Test it"),
            obj=row,
            form=TrialForm(posted(request)),
            intro=gettext(
                "One call of a few tokens is made with the key, which takes 20 seconds at most."
            ),
        )
