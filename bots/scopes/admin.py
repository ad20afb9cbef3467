"""Admin pages of scopes: topics one per line, templates to start from, and what is odd about a scope."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bots.admin_fields import LinesField
from bots.models import BotProfile, Scope, Strictness
from bots.scopes.changing import MOST_SCOPES, find_warnings, has_sources
from bots.scopes.templates import TEMPLATES
from bots.versions.keeping import keeping
from tenants.admin_site.meanwhile import GuardedModelForm
from tenants.admin_site.model_admin import ProductAdmin, once_per_row
from tenants.admin_site.sites import tenant_site

_STRICTNESS_COLOURS = {
    Strictness.STRICT: "danger",
    Strictness.MODERATE: "warning",
    Strictness.LENIENT: "success",
}
_ADD = "admin:bots_scope_add"


class TopicsField(LinesField):
    """Topics, one per line, each once."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        return list(dict.fromkeys(super().to_python(value)))


class ScopeForm(GuardedModelForm):
    allowed_topics = TopicsField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_(
            "One per line, in the words that people use. Empty: everything that is not forbidden."
        ),
    )
    forbidden_topics = TopicsField(
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_(
            'One per line; they win over what is allowed. "In quotation marks" only these words in this order.'
        ),
    )

    class Meta:
        model = Scope
        fields = "__all__"  # fieldsets choose
        widgets = {
            "description": UnfoldAdminTextInputWidget(),
            "refusal_text": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        }

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or {}
        bot = cleaned.get("bot_profile")
        if bot is not None and self.instance._state.adding and bot.scopes.count() >= MOST_SCOPES:
            self.add_error(
                "bot_profile",
                gettext("A bot has at most %(most_scopes)s scopes.") % {"most_scopes": MOST_SCOPES},
            )
        return cleaned


_STRICTNESSES = (gettext_noop("Strict"), gettext_noop("Moderate"), gettext_noop("Lenient"))


@register(Scope, site=tenant_site)
class ScopeAdmin(ProductAdmin):
    nothing_yet = _("A scope says what a bot may talk about and what not, and how strictly.")
    form = ScopeForm
    fixed_once_saved = ("bot_profile",)
    list_display = (
        "name", "bot_profile", "is_active", "shown_strictness", "shown_topics", "warning_count", "updated_at",
    )  # fmt: skip
    list_filter = ("is_active", "strictness", ("bot_profile", AutocompleteSelectFilter))
    autocomplete_fields = ("bot_profile",)
    list_select_related = ("bot_profile",)
    search_fields = ("name", "description", "bot_profile__name")
    readonly_fields = ("templates", "shown_warnings", "created_at", "updated_at")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "shown_warnings",
                    "templates",
                    "bot_profile",
                    "name",
                    "description",
                    "is_active",
                )
            },
        ),
        (
            _("Topics"),
            {"fields": ("strictness", "allowed_topics", "forbidden_topics", "refusal_text")},
        ),
        (_("Answers"), {"fields": (("max_words", "tone"), ("require_citations", "step_by_step"))}),
        (_("Facts"), {"fields": (("created_at", "updated_at"),)}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Scope | None = None) -> Any:
        (_, first), *others = super().get_fieldsets(request, obj)
        hidden = "templates" if obj else "shown_warnings"
        fields = tuple(field for field in first["fields"] if field != hidden)
        return [(None, {**first, "fields": fields}), *(others if obj else others[:-1])]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        chosen = TEMPLATES.get(request.GET.get("template", ""), {})
        return {**chosen, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Scope, form: ScopeForm, change: bool) -> None:
        with keeping(obj.bot_profile):
            super().save_model(request, obj, form, change)
        for warning in find_warnings(obj, has_sources=has_sources(obj.bot_profile)):
            self.message_user(request, warning.message, messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Scope) -> None:
        with keeping(obj.bot_profile):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Scope]) -> None:
        for scope in queryset:
            self.delete_model(request, scope)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Scope]:
        return super().get_queryset(request).order_by("bot_profile__name", "created_at")

    @display(description=_("start from"))
    def templates(self, scope: Scope) -> str:
        return _link_templates("")

    @display(description=_("look at"))
    @once_per_row
    def shown_warnings(self, scope: Scope) -> str:
        found = find_warnings(scope, has_sources=has_sources(scope.bot_profile))
        return format_html_join(
            mark_safe("<br>"), "{}", ((each.message,) for each in found)
        ) or gettext("nothing odd")

    @display(description=_("strictness"), label=_STRICTNESS_COLOURS, ordering="strictness")
    def shown_strictness(self, scope: Scope) -> tuple[str, str]:
        return scope.strictness, gettext(Strictness(scope.strictness).value.capitalize())

    @display(description=_("topics allowed / forbidden"))
    def shown_topics(self, scope: Scope) -> str:
        return f"{len(scope.allowed_topics)} / {len(scope.forbidden_topics)}"

    @display(description=_("warnings"))
    def warning_count(self, scope: Scope) -> str:
        return str(len(find_warnings(scope)) or "–")


def show_scopes(bot: BotProfile) -> SafeString:
    """A bot's scopes with what is odd about them, and links to add one from a template."""
    can_answer = has_sources(bot)
    rows = []
    for scope in bot.scopes.all():
        found = find_warnings(scope, has_sources=can_answer)
        state = "" if scope.is_active else f" ({gettext('inactive')})"
        notes = format_html_join("", "<br>⚠ {}", ((each.message,) for each in found))
        url = reverse("admin:bots_scope_change", args=(scope.pk,))
        rows.append(
            (
                url,
                str(scope),
                gettext(Strictness(scope.strictness).value.capitalize()),
                state,
                notes,
            )
        )
    listed = format_html_join("", '<p><a href="{}" class="underline">{}</a>: {}{}{}</p>', rows)
    empty = format_html(
        "<p>{}</p>", gettext("No scope: the bot speaks about everything that its sources hold.")
    )
    return format_html(
        "{}<p>{} {}</p>",
        listed or empty,
        gettext("Add:"),
        _link_templates(f"bot_profile={bot.pk}&"),
    )


def _link_templates(query: str) -> SafeString:
    links = [(f"{reverse(_ADD)}?{query}", gettext("an empty one"))] if query else []
    links += [
        (f"{reverse(_ADD)}?{query}template={key}", gettext(fields["name"]))
        for key, fields in TEMPLATES.items()
    ]
    return format_html_join(" · ", '<a href="{}" class="underline">{}</a>', links)
