"""The admin page of a chat: the whole thread with what each answer cites, to be read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import register
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from bots.models import Outcome, UsageEvent
from conversations.annotating.admin import AnnotatingActs
from conversations.canned import admin as canned_admin  # noqa: F401 - registers its page
from conversations.erasing.admin import ErasingActs
from conversations.evaluating import (
    admin as evaluating_admin,  # noqa: F401 - registers its page
)
from conversations.explaining.admin import show_page
from conversations.explaining.verdicts import explain_outcome
from conversations.exports.admin import ExportingActs
from conversations.gaps import admin as gaps_admin  # noqa: F401 - registers its page
from conversations.gates import admin as gates_admin  # noqa: F401 - registers its pages
from conversations.golden import admin as golden_admin  # noqa: F401 - registers its page
from conversations.golden.changing import create_from_turn, find_asked, find_standing
from conversations.handoffs import admin as handoffs_admin  # noqa: F401 - registers its page
from conversations.inbox import admin as inbox_admin  # noqa: F401 - registers its page
from conversations.listing.admin import (
    BoundedPaginator,
    ChatConditions,
    name_people,
    tell_common,
)
from conversations.listing.finding import find_newest
from conversations.logs.traces import list_candidates, load_places, tell_trace
from conversations.models import Chat, Citation, CitationKind, Feedback, Message, MessageRole
from conversations.retention.admin import RetentionActs
from knowledge.models import CuratedAnswer, Source
from minirag.lib.errors import ProductError
from minirag.lib.telling.shown import show_name, show_number
from tenants.admin_site.model_admin import may_manage
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user
from tenants.context import require_tenant
from tenants.models import User

_MOST_TRACED = 50  # turns of a page that are told why
_LONGEST_ASKED = 1000  # of a question in an address
_THREAD_LENGTH = 500  # messages on one page; a longer chat shows its last ones


_TROUBLES = (gettext_noop("failed"), gettext_noop("disliked"), gettext_noop("refused"))


@register(Chat, site=tenant_site)
class ChatAdmin(ExportingActs, RetentionActs, AnnotatingActs, ErasingActs):
    nothing_yet = _(
        "What visitors ask and are answered is kept here. “Try it” on a bot's page leaves no chat."
    )
    list_display = (
        "shown_title",
        "bot_profile",
        "shown_person",
        "message_count",
        "notes",
        "shown_cost",
        "created_at",
        "updated_at",
    )
    list_filter = (("bot_profile", AutocompleteSelectFilter), ChatConditions)
    list_filter_submit = True
    list_max_show_all = 0
    list_before_template = "admin/chat_list.html"
    list_select_related = ("bot_profile",)
    search_fields = ("title",)  # what is really looked at: see find_newest
    search_help_text = _(
        "Beginnings of words: of the title, the visitor, the page, and of what was said."
    )
    fields = (
        "bot_profile", "shown_person", "origin", ("created_at", "updated_at"), "message_count",
        ("total_prompt_tokens", "total_completion_tokens"),
    )  # fmt: skip
    compressed_fields = False  # they stand in a narrow column beside the messages
    readonly_fields = ("shown_person",)
    change_form_before_template = "admin/chat_thread.html"
    change_form_after_template = "admin/chat_notes.html"
    warn_unsaved_form = False

    class Media:
        js = (Script("minirag/markdown.js", defer=True), Script("minirag/thread.js", defer=True))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Chat], search_term: str
    ) -> tuple[QuerySet[Chat], bool]:
        """Every word is in a chat's own fields or was said in it."""
        if not search_term.strip():
            return queryset, False
        found = find_newest(queryset, search_term)
        if found.common:
            tell_common(request, found.common)
        return found.chats, False

    def get_paginator(
        self, request: HttpRequest, queryset: Any, per_page: int, *args: Any, **kwargs: Any
    ) -> BoundedPaginator:
        paginator = BoundedPaginator(queryset, per_page, *args, **kwargs)
        paginator.has_words = bool(request.GET.get("q", "").strip())
        return paginator

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, with what its notes say counted for the rows of this page alone."""
        changelist = super().get_changelist_instance(request)
        if not changelist.multi_page:  # Django left the paginator aside, and has read nothing yet
            changelist.result_list = changelist.paginator.page(1).object_list
        rows = changelist.result_list
        people = User.objects.filter(
            tenant=require_tenant(), pk__in={each.user_id for each in rows}
        )
        name_people(rows, dict(people.values_list("pk", "email")))
        counts = count_notes(rows)
        for chat in rows:
            chat.note_counts = counts.get(chat.pk, {})
        return changelist

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(require_POST(self.make_golden))
        name = "conversations_chat_golden"
        explained = self.admin_site.admin_view(self.explain)
        return [
            path("explain/", explained, name="conversations_chat_explain"),
            path("<path:object_id>/golden/<uuid:message_id>/", page, name=name),
            *super().get_urls(),
        ]

    def explain(self, request: HttpRequest) -> HttpResponse:
        """Try a question on a bot: a chat that is not left behind."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return show_page(self.admin_site, request)

    def make_golden(
        self, request: HttpRequest, object_id: str, message_id: UUID
    ) -> HttpResponseRedirect:
        """Make a golden question of a turn, and show it to be completed; one that stands already is shown."""
        chat = self.require_object(request, object_id)
        if not may_manage(request, "golden questions"):
            raise PermissionDenied
        asked = None
        try:
            asked = find_asked(chat.pk, message_id)
            golden = create_from_turn(asked, {}, made_by=acting_user(request).email)
        except ProductError as error:
            self.message_user(request, error.detail, messages.WARNING)
            standing = None if asked is None else find_standing(asked)
            if standing is None:
                return HttpResponseRedirect(self.change_url(chat))
            golden = standing
        else:
            self.message_user(
                request,
                gettext("It is a golden question now. Say what is right."),
                messages.SUCCESS,
            )
        return HttpResponseRedirect(
            reverse("admin:conversations_goldenquestion_change", args=[golden.pk])
        )

    def facts_beside(self, request: HttpRequest, obj: Chat) -> dict[str, Any]:
        beside = self.describe_notes(request, obj)
        return {
            **describe_thread(obj),
            **beside,
            "may_make_golden": may_manage(request, "golden questions"),
        }

    @display(description=_("chat"), ordering="title")
    def shown_title(self, chat: Chat) -> str:
        return show_name(chat.title, gettext("Untitled"))[:90]

    @display(description=_("with"))
    def shown_person(self, chat: Any) -> str:
        if chat.user_id is None:
            if chat.origin:
                return gettext("visitor of %(origin)s") % {"origin": chat.origin}
            return gettext("visitor")
        if not hasattr(chat, "user_email"):
            people = User.objects.filter(tenant=require_tenant(), pk=chat.user_id)
            name_people([chat], dict(people.values_list("pk", "email")))
        return chat.user_email or gettext("a former user")

    @display(description=_("cost"), ordering="cost_usd")
    def shown_cost(self, chat: Chat) -> str:
        return f"${show_number(chat.cost_usd, 4)}" if chat.cost_usd else "–"

    @display(
        description=_("trouble"),
        label={"refused": "warning", "failed": "danger", "disliked": "danger"},
    )
    def notes(self, chat: Any) -> tuple[str, str] | None:
        for kind in ("failed", "disliked", "refused"):
            if count := chat.note_counts.get(kind):
                return kind, f"{count} {gettext(kind)}"
        return None


def count_notes(chats: Iterable[Chat]) -> dict[Any, dict[str, int]]:
    """Return how often a chat's turns failed, were refused and disliked, in one query."""
    # The question carries its turn's outcome, and the answer too where there is one: count turns, not messages.
    asked = Q(role=MessageRole.USER)
    rows = (
        Message.objects.filter(chat__in=[chat.pk for chat in chats])
        .order_by()
        .values("chat_id")
        .annotate(
            failed=Count("pk", filter=asked & Q(outcome=Outcome.FAILED)),
            refused=Count("pk", filter=asked & Q(outcome=Outcome.REFUSED)),
            disliked=Count("pk", filter=Q(feedback=Feedback.NEGATIVE)),
        )
    )
    return {
        row["chat_id"]: {
            "failed": row["failed"], "refused": row["refused"], "disliked": row["disliked"],
        }
        for row in rows
    }  # fmt: skip


def describe_thread(chat: Chat) -> dict[str, Any]:
    """Return the messages of a chat with citations, sources, usage and traces, in a few queries whatever its length."""
    newest = chat.messages.prefetch_related("citations").order_by("-created_at", "-id")[
        : _THREAD_LENGTH + 1
    ]
    messages = list(reversed(newest[:_THREAD_LENGTH]))
    usage: dict[Any, list[UsageEvent]] = {}
    for event in UsageEvent.objects.filter(
        message_id__in=[message.pk for message in messages]
    ).order_by("created_at"):
        usage.setdefault(event.message_id, []).append(event)
    cited = [citation for message in messages for citation in message.citations.all()]
    curated = {each.source_id for each in cited if each.kind == CitationKind.CURATED}
    named = {each.source_id for each in cited} - curated
    standing = Source.objects.filter(pk__in=named, deleted_at__isnull=True)
    sources: dict[Any, Any] = standing.only("id", "name").in_bulk()
    if curated:
        sources |= CuratedAnswer.objects.only("id").in_bulk(curated)
    traces = tell_traces(messages)
    return {
        "thread": [
            _describe_message(message, usage.get(message.pk, []), sources)
            | {
                "trace": (found := traces.get(message.pk)),
                "times": tell_times(found),
                "explain_url": _explain_url(message, chat.bot_profile_id),
            }
            for message in messages
        ],
        "is_cut": chat.message_count > _THREAD_LENGTH,
    }


def tell_traces(messages: Sequence[Message]) -> dict[Any, dict[str, Any]]:
    """Why the newest turns ended as they did, by the message to show that at: the answer, or else the question."""
    answers = {each.question_id: each for each in messages if each.question_id}
    asked = [(each, each.trace) for each in messages if each.trace][-_MOST_TRACED:]
    places = load_places(each["chunk_id"] for _, trace in asked for each in list_candidates(trace))
    told = {}
    for question, kept in asked:
        answer = answers.get(question.pk)
        cited = [(each.chunk_id, each.number) for each in answer.citations.all()] if answer else []
        trace = tell_trace(kept, cited, places)
        verdict = explain_outcome(
            trace, question.outcome, refusal_reason=answer.refusal_reason if answer else "",
            error_code=question.error_code, curated=kept.get("curated"),
        )  # fmt: skip
        told[(answer or question).pk] = {"told": trace, "verdict": verdict}
    return told


def tell_times(found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """How long a turn took, in the words of people: until it was understood, found, begun and whole."""
    if found is None:
        return []
    told, stages = found["told"], found["told"]["stages"]
    times = [
        (_("Understanding"), stages.get("understand")), (_("Search"), stages.get("retrieve")),
        (_("First token"), told["first_token_ms"]), (_("Whole answer"), told["latency_ms"]),
    ]  # fmt: skip
    return [{"label": label, "shown": show_time(took)} for label, took in times if took is not None]


def show_time(milliseconds: float) -> str:
    return (
        f"{show_number(milliseconds / 1000, 1)} s"
        if milliseconds >= 1000
        else f"{milliseconds:.0f} ms"
    )


def _find_cited(citation: Citation, sources: dict[Any, Any]) -> dict[str, str]:
    """Where what is cited can be seen, and its name; a curated answer is its own source."""
    found = sources.get(citation.source_id)
    if found is None:
        return {"source_name": "", "source_url": "", "reader_url": ""}
    page, name = "admin:knowledge_source_change", str(found)
    if citation.kind == CitationKind.CURATED:
        page, name = "admin:knowledge_curatedanswer_change", gettext("Curated answer")
    is_stored = citation.kind == CitationKind.PASSAGE and not citation.external_id
    reader = reverse("admin:knowledge_document_of", args=[citation.chunk_id]) if is_stored else ""
    url = reverse(page, args=[citation.source_id])
    return {"source_name": name, "source_url": url, "reader_url": reader}


def _explain_url(message: Message, bot_id: Any) -> str:
    """Where one asks why a passage was not found for a question of this chat."""
    if message.role != MessageRole.USER:
        return ""
    said = urlencode({"bot": bot_id, "question": message.content[:_LONGEST_ASKED]})
    return f"{reverse('admin:conversations_chat_explain')}?{said}"


def _describe_message(
    message: Message, usage: list[UsageEvent], sources: dict[Any, Any]
) -> dict[str, Any]:
    citations = [
        {
            "citation": citation,
            **_find_cited(citation, sources),
        }
        for citation in message.citations.all()
    ]  # fmt: skip
    return {"message": message, "citations": citations, "usage": usage}
