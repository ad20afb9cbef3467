"""Admin pages of bots."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.text import format_lazy
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from bots.admin_fields import LinesField
from bots.appearance.admin import AppearancePages
from bots.drafts.changing import hold_back, split_off
from bots.filter_form import FILTER_FIELDS, FILTER_NAMES, SourceFilterFields
from bots.identities.admin import IdentityActs
from bots.masking_form import BOT_MASKING_FIELDS, BotMaskingFields, tell_masking
from bots.models import MOST_ORIGINS, MOST_QUESTIONS, BotProfile
from bots.models.filters import tell_filter
from bots.origins import normalise_origin
from bots.profiles import require_room_for_bot, switch_bot
from bots.providers import admin as providers_admin  # noqa: F401 - registers its page
from bots.providers.bot_form import ProviderKeyFields, tell_key
from bots.providers.changing import choose_keys
from bots.providers.model_search import offer_models, search_models
from bots.quotas import admin as quotas_admin  # noqa: F401 - registers its pages
from bots.readiness.admin import ReadinessShown
from bots.scopes import admin as scopes_admin
from bots.usage import admin as usage_admin  # noqa: F401 - registers its pages
from bots.versions import admin as versions_admin  # noqa: F401 - registers its page
from bots.versions.keeping import begin_history, keeping
from minirag.ai.credentials import (
    LONGEST_BASE,
    LONGEST_KEY,
    Credentials,
    CredentialsInvalid,
    read_credentials,
)
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import once_per_row
from tenants.admin_site.sites import tenant_site

_ONLY_WRITTEN = (
    "provider_keys",
    "new_api_key",
    "new_api_base",
    "clear_api_key",
    *FILTER_FIELDS,
    *BOT_MASKING_FIELDS,
)


class BotForm(BotMaskingFields, SourceFilterFields, ProviderKeyFields, GuardedModelForm):
    """A bot, with its own provider key as a field that can be written and never read."""

    starter_questions = LinesField(
        label=_("Starter questions"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=format_lazy(
            _("One per line, at most {most_questions}. Shown as buttons before the first question."),
            most_questions=MOST_QUESTIONS,
        ),
    )  # fmt: skip
    allowed_origins = LinesField(
        label=_("Allowed origins"), required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=format_lazy(
            _(
                "Pages whose widget may talk to this bot, one per line, at most {most_origins}: "
                "https://www.example.com"
            ),
            most_origins=MOST_ORIGINS,
        ),
    )  # fmt: skip
    new_api_key = forms.CharField(
        label=_("API key of this bot alone"),
        required=False,
        strip=True,
        max_length=LONGEST_KEY,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text=_(
            "Counts before the provider keys, for models of the provider that it was entered for: that of the chat "
            "model. A new key replaces the stored one; empty leaves it as it is. It is stored encrypted and shown to "
            "nobody."
        ),
    )
    new_api_base = forms.CharField(
        label=_("Base URL"),
        required=False,
        max_length=LONGEST_BASE,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Only for a self-hosted or compatible server, ending in /v1. Entered together with its API key."
        ),
    )
    clear_api_key = forms.BooleanField(
        label=_("Forget the stored key"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("The installation's own key counts then."),
    )

    class Meta:
        model = BotProfile
        fields = "__all__"  # fieldsets choose; the encrypted column is not editable
        widgets = {
            "system_prompt": UnfoldAdminTextareaWidget(attrs={"rows": 6}),
            "greeting": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "refusal_text": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "description": UnfoldAdminTextInputWidget(),
        }
        labels = {
            "condense_model": _("Model that rewrites"),
            "recency_days": _("Age that halves an advantage (days)"),
            "dense_weight": _("Share of meaning"),
            "fusion": _("How words and meaning are joined"),
            "query_variations": _("Searches in other words"),
        }
        help_texts = {
            "is_public": _(
                "Anybody may ask it on its own page, whose address stands below, and on /t/…/, which shows the oldest "
                "public bot. Off: only pages that are listed may."
            ),
            "contact": _(
                "Shown to visitors whose question was declined, or who ask for a person: an e-mail address, a "
                "telephone number, a page."
            ),
            "dense_weight": _(
                "From 0, words alone, to 1, meaning alone. Empty: what fits the question's language."
            ),
            "query_variations": _(
                "How many times a chat model puts a question in other words, each searched as well. "
                "0: never."
            ),
            "rerank_model": _(
                "A reranker, or a chat model, that orders what was found. Empty: none."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.show_filter(self.instance.source_filter)
        self.show_keys(self.instance)
        offer_models(self)

    def clean_allowed_origins(self) -> list[str]:
        lines: list[str] = self.cleaned_data["allowed_origins"]
        try:
            return [normalise_origin(line) for line in lines]
        except ValueError as error:
            raise ValidationError(str(error).capitalize() + ".") from None

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        self._take_filter()
        key, base = self.cleaned_data.get("new_api_key"), self.cleaned_data.get("new_api_base")
        if key and self.cleaned_data.get("clear_api_key"):
            self.add_error(
                "clear_api_key", gettext("Either enter a new key or forget the stored one.")
            )
        given = {"api_key": key or None, "api_base": base or None}
        try:
            self.credentials = read_credentials(given if key or base else {})
        except CredentialsInvalid as error:
            told = gettext("It %(reason)s.") % {"reason": error.reason}
            self.add_error(f"new_{error.field}", told)
        return cleaned

    def _take_filter(self) -> None:
        """Several fields are one column: it has changed where what they say has."""
        stored = self.instance.source_filter
        wanted = self.clean_filter(stored)
        self.changed_data[:] = [name for name in self.changed_data if name not in FILTER_NAMES]
        if wanted != stored:
            self.initial["source_filter"] = stored
            self.instance.source_filter = wanted
            self.changed_data.append("source_filter")


@register(BotProfile, site=tenant_site)
class BotProfileAdmin(AppearancePages, ReadinessShown, IdentityActs):
    """Bots are switched off, not deleted: their knowledge and chats stay."""

    nothing_yet = _("A bot answers visitors from what you give it to read.")
    form = BotForm
    list_display = (
        "name_and_description", "is_active", "shown_readiness", "model", "has_key", "created_at", "updated_at",
    )  # fmt: skip
    list_filter = ("is_active", "model")
    search_fields = ("name", "description")
    date_hierarchy = "created_at"
    readonly_fields = (
        "has_key", "shown_filter", "shown_masking", "shown_scopes", "shown_identity", "id",
        "created_at", "updated_at",
    )  # fmt: skip
    actions = ("activate", "deactivate")
    change_form_outer_before_template = "admin/try_bot.html"
    change_form_outer_after_template = "admin/embed_bot.html"
    fieldsets = (
        (None, {"fields": ("name", "description", "is_active")}),
        (_("Answers"), {"classes": ("tab",), "fields": (
            "system_prompt", "contact", ("passage_count", "history_turns"), ("asks_back", "follow_up_questions"),
            "condense_mode", "condense_model", "unsupported_mode",
        )}),
        (_("Model"), {"classes": ("tab",), "fields": (
            ("model", "embedding_model"), ("temperature", "max_tokens"), "has_key", "provider_keys", "new_api_key",
            "new_api_base", "clear_api_key",
        )}),
        (_("Refusal and retrieval"), {"classes": ("tab",), "fields": (
            "refusal_mode", "refusal_floor", "refusal_text", *FILTER_FIELDS, "shown_filter", "recency_days",
            "query_variations", "rerank_model", "fusion", "dense_weight",
        )}),
        (_("Privacy"), {"classes": ("tab",), "fields": (*BOT_MASKING_FIELDS, "shown_masking")}),
        (_("Scopes"), {"classes": ("tab",), "fields": ("shown_scopes",)}),
        (_("Widget"), {"classes": ("tab",), "fields": (
            "greeting", "starter_questions", "allowed_origins", ("is_public", "is_indexed"), "shown_identity",
        )}),
        (_("Facts"), {"classes": ("tab",), "fields": ("id", ("created_at", "updated_at"))}),
    )  # fmt: skip

    class Media:
        scripts = ("markdown", "models", "trying", "embed")
        js = tuple(Script(f"minirag/{name}.js", defer=True) for name in scripts)

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.search_models)
        return [path("models/", page, name="bots_botprofile_models"), *super().get_urls()]

    def search_models(self, request: HttpRequest) -> HttpResponse:
        """What fits a model's name that is typed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return search_models(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: BotProfile | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        writes = (
            self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        )
        hidden = ("shown_filter", "shown_masking") if writes else _ONLY_WRITTEN
        shown = [
            (title, {**options, "fields": tuple(name for name in options["fields"] if name not in hidden)})
            for title, options in fieldsets
        ]  # fmt: skip
        return (
            shown
            if obj or not writes
            else [each for each in shown[:-1] if "shown_scopes" not in each[1]["fields"]]
        )

    def save_model(
        self, request: HttpRequest, obj: BotProfile, form: BotForm, change: bool
    ) -> None:
        if obj.is_active and (not change or "is_active" in form.changed_data):
            require_room_for_bot()
        if form.cleaned_data.get("clear_api_key"):
            obj.set_credentials(Credentials())
        elif form.cleaned_data.get("new_api_key"):
            obj.set_credentials(form.credentials)
        held = split_off(
            obj, {name: getattr(obj, name) for name in form.changed_data if hasattr(obj, name)}
        )
        if change:
            begin_history(obj.pk)
        if change and held:
            self._hold_back(request, obj, form, held)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        with keeping(form.instance, is_new=True):  # what `save_model` has saved, too
            super().save_related(request, form, formsets, change)
            if "provider_keys" in form.changed_data:
                choose_keys(form.instance, [each.pk for each in form.cleaned_data["provider_keys"]])

    def _hold_back(
        self, request: HttpRequest, bot: BotProfile, form: BotForm, held: dict[str, Any]
    ) -> None:
        """Leave what a gate has to see first to the bot's draft, and the bot as it is."""
        published = BotProfile.objects.get(pk=bot.pk)
        hold_back(bot, held)
        for name in held:
            setattr(bot, name, getattr(published, name))
        form.changed_data[:] = [name for name in form.changed_data if name not in held]
        text = gettext(
            "The bot has a gate: how it answers stays as it is, and the change is its draft."
        )
        self.message_user(request, text, messages.WARNING)

    @display(description=_("bot"), header=True, ordering="name")
    def name_and_description(self, bot: BotProfile) -> list[str]:
        return [str(bot), bot.description[:80]]

    @display(description=_("only from sources with"))
    def shown_filter(self, bot: BotProfile) -> str:
        return tell_filter(bot.source_filter)

    @display(description=_("kept from models"))
    def shown_masking(self, bot: BotProfile) -> str:
        return tell_masking(bot.masking)

    @display(description=_("guardrails"))
    @once_per_row
    def shown_scopes(self, bot: BotProfile) -> str:
        return scopes_admin.show_scopes(bot)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BotProfile]:
        return super().get_queryset(request).prefetch_related("provider_choices")

    @display(description=_("key in use"))
    def has_key(self, bot: BotProfile) -> str:
        return tell_key(bot)

    @action(description=_("Activate"), permissions=["change"])
    def activate(self, request: HttpRequest, chosen: QuerySet[BotProfile]) -> None:
        self._switch(request, chosen, True)

    @action(description=_("Deactivate"), permissions=["change"])
    def deactivate(self, request: HttpRequest, chosen: QuerySet[BotProfile]) -> None:
        self._switch(request, chosen, False)

    def _switch(self, request: HttpRequest, chosen: QuerySet[BotProfile], is_active: bool) -> None:
        word = "activated" if is_active else "deactivated"
        for bot in chosen:
            switch_bot(bot, is_active)
            self.log_change(request, bot, word.capitalize() + ".")
        count = len(chosen)
        done = (
            ngettext("%(count)s bot is switched on.", "%(count)s bots are switched on.", count)
            if is_active
            else ngettext(
                "%(count)s bot is switched off.", "%(count)s bots are switched off.", count
            )
        )
        self.message_user(request, done % {"count": count}, messages.SUCCESS)
