"""The inbox: chats that wait for a person, and one of them with what was said and the box to answer in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, register
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from bots.admin_fields import LinesField
from conversations.canned.changing import fill_canned
from conversations.handoffs.changing import close, hand_back, join, release, say
from conversations.inbox.admitting import write_inbox_ticket
from conversations.inbox.showing import count_inbox, describe_state, show_chat
from conversations.models import Handoff, HandoffState, Message, MessageRole
from conversations.models.handoffs import LONGEST_SAID, WATCHED
from knowledge.curated.changing import create_answer
from minirag.lib.errors import BadInput, ProductError
from minirag.lib.telling.shown import show_number
from tenants.admin_site.model_admin import LookOnlyAdmin, format_age, may_manage, posted
from tenants.admin_site.sites import tenant_site
from tenants.calls.permissions import acting_user

_MOST_BESIDE = 50  # chats in the list beside one
_COLOURS = {HandoffState.WAITING: "warning", HandoffState.JOINED: "success", HandoffState.CLOSED: "info"}  # fmt: skip


class StateFilter(SimpleListFilter):
    """Those that are open, unless others are asked for."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            *((each.value, gettext(each.label)) for each in HandoffState),
            ("all", gettext("All")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        if self.value() is None:
            return queryset.exclude(state=HandoffState.CLOSED)
        return queryset.filter(state=self.value())

    def choices(self, changelist: Any) -> Any:
        for number, choice in enumerate(super().choices(changelist)):
            yield {**choice, "display": gettext("Open")} if number == 0 else choice


class CuratedForm(forms.Form):
    questions = LinesField(
        label=_("Questions"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One per line, the main one first. Only what this very answer is right for."),
    )
    answer = forms.CharField(
        label=_("Answer"),
        max_length=LONGEST_SAID,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
    )


@register(Handoff, site=tenant_site)
class HandoffAdmin(LookOnlyAdmin):
    nothing_yet = _(
        "Nobody waits. Visitors of a bot with handoff rules can ask for a person, and come here at once."
    )
    list_display = (
        "shown_chat", "bot_profile", "shown_state", "shown_reason", "shown_person", "shown_wait",
    )  # fmt: skip
    list_filter = (StateFilter, ("bot_profile", AutocompleteSelectFilter), "reason")
    list_select_related = ("chat", "bot_profile")
    search_fields = ("chat__title", "contact", "person_email")
    list_before_template = "admin/inbox_bar.html"
    change_form_after_template = "admin/inbox_chat.html"
    warn_unsaved_form = False
    fields = (
        ("bot_profile", "shown_reason"), ("waiting_since", "joined_at", "closed_at"), ("shown_contact", "shown_origin"),
    )  # fmt: skip
    readonly_fields = ("shown_reason", "shown_contact", "shown_origin")

    class Media:
        js = (Script("minirag/markdown.js", defer=True), Script("minirag/inbox.js", defer=True))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Handoff]:
        return Handoff.objects.waiting_first()

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return "rank", "waiting_since", "id"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        live = {"inbox": {**self._live(request), "count": count_inbox()}}
        return super().changelist_view(request, {**(extra_context or {}), **live})

    def facts_beside(self, request: HttpRequest, obj: Handoff) -> dict[str, Any]:
        user = acting_user(request)
        shown = show_chat(obj.pk, user)
        return {
            "inbox": {**self._live(request), "count": count_inbox()},
            "thread": shown.messages, "handoff": shown.handoff,
            "stands": describe_state(shown.handoff, user), "may_answer": may_manage(request, "the inbox"),
            "may_curate": may_manage(request, "curated answers"), "longest_said": LONGEST_SAID,
            "canned": [each._asdict() for each in fill_canned(shown.handoff, user)],
            "open_handoffs": list_beside(),
        }  # fmt: skip

    def _live(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "ticket": write_inbox_ticket(acting_user(request)),
            "socket": f"{reverse('home')}ws/inbox/",
        }

    def get_urls(self) -> list[Any]:
        acts: dict[str, Callable[..., HttpResponse]] = {
            "join": self.join, "take-over": self.take_over, "say": self.say, "hand-back": self.hand_back,
            "release": self.release, "close": self.close,
        }  # fmt: skip
        made = [
            path(
                f"<path:object_id>/{name}/", self.admin_site.admin_view(require_POST(act)),
                name=f"conversations_handoff_{name.replace('-', '_')}",
            )
            for name, act in acts.items()
        ]  # fmt: skip
        curate = path(
            "<path:object_id>/curate/<uuid:message_id>/", self.admin_site.admin_view(self.curate),
            name="conversations_handoff_curate",
        )  # fmt: skip
        return [*made, curate, *super().get_urls()]

    # --- What people do ---
    def join(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, lambda each, user: join(each, user, held_for=WATCHED))

    def take_over(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(
            request, object_id, lambda each, user: join(each, user, takes_over=True, held_for=WATCHED)
        )  # fmt: skip

    def say(self, request: HttpRequest, object_id: str) -> HttpResponse:
        content = request.POST.get("content", "").strip()
        return self._act(request, object_id, lambda each, user: self._say(each, user, content))

    def _say(self, handoff: Handoff, user: Any, content: str) -> None:
        if not content or len(content) > LONGEST_SAID or "\0" in content:
            raise BadInput(
                gettext("Write something, of at most %(longest_said)s characters.")
                % {"longest_said": show_number(LONGEST_SAID)}
            )
        say(handoff, user, content, held_for=WATCHED)

    def hand_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, hand_back)

    def release(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, release)

    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._act(request, object_id, close)

    def _act(
        self, request: HttpRequest, object_id: str, act: Callable[[Handoff, Any], object]
    ) -> HttpResponse:
        """Do it; a page with a script is answered in JSON, one without goes back to the chat."""
        handoff = self.require_object(request, object_id)
        if not may_manage(request, "the inbox"):
            raise PermissionDenied
        wants_json = request.headers.get("Accept", "").startswith("application/json")
        try:
            act(handoff, acting_user(request))
        except ProductError as error:
            if wants_json:
                told = {"detail": error.detail, "code": error.code}
                return JsonResponse(told, status=error.status)
            self.message_user(request, error.detail, messages.WARNING)
        if wants_json:
            handoff.refresh_from_db()
            return JsonResponse(describe_state(handoff, acting_user(request)))
        return HttpResponseRedirect(self.change_url(handoff))

    def curate(self, request: HttpRequest, object_id: str, message_id: UUID) -> HttpResponse:
        """Make a curated answer of what a person said, for the question that it answered."""
        handoff = self.require_object(request, object_id)
        if not may_manage(request, "curated answers"):
            raise PermissionDenied
        said = handoff.chat.messages.filter(pk=message_id, role=MessageRole.PERSON).first()
        if said is None:
            return HttpResponseRedirect(self.change_url(handoff))
        initial = {"questions": _find_asked(said), "answer": said.content}
        is_first = "questions" not in request.POST
        form = CuratedForm(None if is_first else posted(request), initial=initial)

        def act(data: dict[str, Any]) -> None:
            fields = {"answer": data["answer"], "owner_id": acting_user(request).pk}
            if handoff.language:
                fields["language"] = handoff.language
            create_answer(
                fields, questions=data["questions"], bot_profile_ids=[handoff.bot_profile_id]
            )
            self.message_user(request, gettext("It is a curated answer now."), messages.SUCCESS)

        intro = gettext(
            "%(bot_profile)s gives what you approve as it is written, before anything is searched."
        ) % {"bot_profile": handoff.bot_profile}
        return self.ask(
            request,
            act,
            title=gettext("Make this a curated answer"),
            intro=intro,
            submit=gettext("Approve"),
            obj=handoff,
            form=form,
        )

    # --- What is shown ---
    @display(description=_("chat"), header=True)
    def shown_chat(self, handoff: Handoff) -> list[str]:
        return [(handoff.chat.title or gettext("No question yet"))[:90], handoff.contact]

    @display(description=_("state"), label=_COLOURS)
    def shown_state(self, handoff: Handoff) -> tuple[str, str]:
        return handoff.state, handoff.get_state_display()

    @display(description=_("why"))
    def shown_reason(self, handoff: Handoff) -> str:
        return str(handoff.get_reason_display())

    @display(description=_("person"))
    def shown_person(self, handoff: Handoff) -> str:
        return handoff.person_name or handoff.person_email or "–"

    @display(description=_("waiting since"), ordering="waiting_since")
    def shown_wait(self, handoff: Handoff) -> str:
        return format_age(handoff.waiting_since)

    @display(description=_("left by"))
    def shown_contact(self, handoff: Handoff) -> str:
        return " · ".join(filter(None, [handoff.contact_name, handoff.contact])) or "–"

    @display(description=_("page"))
    def shown_origin(self, handoff: Handoff) -> str:
        return handoff.chat.origin or "–"


def list_beside() -> list[Handoff]:
    """The chats that are open, as they stand beside one of them."""
    rows = Handoff.objects.open().waiting_first().select_related("chat", "bot_profile")
    return list(rows[:_MOST_BESIDE])


def _find_asked(said: Message) -> list[str]:
    """What the visitor had asked before a person said this."""
    asked = Message.objects.filter(
        chat_id=said.chat_id, role=MessageRole.USER, created_at__lt=said.created_at
    ).order_by("-created_at")
    found = asked.values_list("content", flat=True).first()
    return [" ".join(found.split())[:500]] if found else []
