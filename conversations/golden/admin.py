"""The admin page of golden questions: by hand, and by file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import register
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display

from bots.models import BotProfile
from conversations.golden.changing import add_goldens, delete_golden
from conversations.golden.forms import GoldenFileForm, GoldenQuestionForm
from conversations.golden.importing import read_golden_file
from conversations.models import GoldenQuestion
from tenants.admin_site.model_admin import ProductAdmin, may_manage
from tenants.admin_site.searching import search_field
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user

_SHOWN_LINES = 20


@register(GoldenQuestion, site=tenant_site)
class GoldenQuestionAdmin(ProductAdmin):
    form = GoldenQuestionForm
    fixed_once_saved = ("bot_profile",)
    facts_once_saved = True
    list_display = (
        "shown_question", "bot_profile", "shown_expectation", "shown_tags", "is_active", "updated_at",
    )  # fmt: skip
    list_filter = ("is_active", "must_decline", ("bot_profile", AutocompleteSelectFilter))
    autocomplete_fields = ("bot_profile",)
    list_select_related = ("bot_profile",)
    search_fields = ("question",)
    nothing_yet = _(
        "A bot is measured by questions with what is right. “Make golden” in a chat makes one of a question."
    )
    readonly_fields = ("made_by", "message_id", "id", "created_at", "updated_at")
    actions_list = ("import_file",)
    fieldsets = (
        (None, {"fields": ("bot_profile", "question", "before", "language", "groups", "tags", "is_active")}),
        (
            _("What is right"),
            {"fields": ("must_decline", "expected_facts", "forbidden_facts", "expected_sources")},
        ),
        (_("Facts"), {"fields": (("made_by", "message_id"), ("created_at", "updated_at"), "id")}),
    )  # fmt: skip

    def save_model(
        self, request: HttpRequest, obj: GoldenQuestion, form: GoldenQuestionForm, change: bool
    ) -> None:
        if not change:
            obj.made_by = acting_user(request).email
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: GoldenQuestion) -> None:
        delete_golden(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[GoldenQuestion]) -> None:
        for golden in queryset:
            delete_golden(golden)

    def has_import_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return may_manage(request, "golden questions")

    @action(
        description=_("Import a file"), icon="upload", url_path="import", permissions=["import"]
    )
    def import_file(self, request: HttpRequest) -> HttpResponse:
        files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
        form = GoldenFileForm(*files)
        form.fields["bot_profile"] = search_field(
            GoldenQuestion,
            "bot_profile",
            self.admin_site,
            BotProfile.objects.all(),
            label=gettext("Bot"),
        )
        return self.ask(
            request,
            lambda data: self._import(request, data),
            title=gettext("Import golden questions"),
            intro=gettext(
                "Good lines are taken, and each other one is named with its reason. What a bot has stays as it is."
            ),
            submit=gettext("Import"),
            form=form,
        )

    def _import(self, request: HttpRequest, data: dict[str, Any]) -> HttpResponse:
        file = data["file"]
        lines = read_golden_file(file.name, file.read())
        email = acting_user(request).email
        added, refused = add_goldens(
            data["bot_profile"], lines.read, made_by=email, file_name=file.name
        )
        self.message_user(
            request,
            ngettext("%(added)s golden question added.", "%(added)s golden questions added.", added)
            % {"added": added},
            messages.SUCCESS,
        )
        bad = sorted([*lines.bad, *refused])
        for number, reason in bad[:_SHOWN_LINES]:
            self.message_user(
                request,
                gettext("Line %(number)s: %(reason)s") % {"number": number, "reason": reason},
                messages.WARNING,
            )
        if len(bad) > _SHOWN_LINES:
            rest = gettext("%(what)s more lines were not taken.") % {
                "what": len(bad) - _SHOWN_LINES
            }
            self.message_user(request, rest, messages.WARNING)
        return HttpResponseRedirect(self.list_url())

    @display(description=_("question"), ordering="question")
    def shown_question(self, golden: GoldenQuestion) -> str:
        return golden.question[:90]

    @display(description=_("to be"), label={"declined": "warning", "answered": "success"})
    def shown_expectation(self, golden: GoldenQuestion) -> tuple[str, str]:
        if golden.must_decline:
            return "declined", gettext("declined")
        facts, sources = len(golden.expected_facts), len(golden.expected_sources)
        parts = [
            ngettext("%(count)s fact", "%(count)s facts", facts) % {"count": facts} if facts else "",
            ngettext("%(count)s source", "%(count)s sources", sources) % {"count": sources} if sources else "",
        ]  # fmt: skip
        if not any(parts):
            return "answered", gettext("answered")
        told = {"what": ", ".join(filter(None, parts))}
        return "answered", gettext("answered with %(what)s") % told

    @display(description=_("tags"))
    def shown_tags(self, golden: GoldenQuestion) -> str:
        return ", ".join(golden.tags[:4]) or "–"
