"""What a new tenant does first, until its bot answers on its own page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext

from bots.models import BotProfile, Outcome
from conversations.models import Chat, Message, MessageRole
from minirag.ai.builtin.local import is_local
from minirag.pages.overview.weeks import Week

_GROWN_UP: Final = 20  # answers of two weeks: then nobody needs to be led


@dataclass(frozen=True)
class Step:
    title: str
    text: str
    url: str
    label: str
    is_done: bool


def list_steps(bots: Sequence[BotProfile], sources: Mapping[str, int], week: Week) -> list[Step]:
    """The steps in their order; none where all are done, or the tenant has come further."""
    if week.answer_count >= _GROWN_UP:
        return []
    bot = min(bots, key=lambda each: each.created_at, default=None)
    page = reverse("admin:bots_botprofile_change", args=[bot.pk]) if bot else ""
    add = reverse("admin:bots_botprofile_add")
    steps = [
        Step(
            gettext("Name your bot"),
            gettext("It greets visitors by this name, and in the words that you give it."),
            page or add,
            gettext("Open the bot") if bot else gettext("Add a bot"),
            bot is not None,
        ),
        _choose_model(bot, page),
        Step(
            gettext("Add the first source"),
            gettext("A text, a file, a web page or a whole site: what the bot answers from."),
            reverse("admin:knowledge_source_add") + (f"?bot_profile={bot.pk}" if bot else ""),
            gettext("Add a source"),
            sources["ready"] > 0,
        ),
        Step(
            gettext("Ask the first question"),
            gettext("“Try it” on the bot’s page asks it beside its form."),
            page,
            gettext("Try it"),
            bot is not None and (week.was_tried or _has_answered()),
        ),
        Step(
            gettext("Say where it may stand"),
            gettext("The origin of your site, such as https://www.example.com, in the tab Widget."),
            page and f"{page}#widget",
            gettext("List the origin"),
            any(each.allowed_origins for each in bots),
        ),
        Step(
            gettext("Put the tag on your page"),
            gettext("Copy it from the bot’s page. Done once a visitor of that page has asked."),
            page and f"{page}#embed",
            gettext("Copy the tag"),
            bot is not None and _was_asked_from_a_page(bots),
        ),
    ]
    return [] if all(step.is_done for step in steps) else steps


def _choose_model(bot: BotProfile | None, page: str) -> Step:
    offline = bot is not None and is_local(bot.model)
    text = (
        gettext(
            "It is offline now: it quotes its sources, free and without a key. A provider key lets a chat model write."
        )
        if offline or bot is None
        else gettext("It answers by %(model)s.") % {"model": bot.model}
    )
    url = reverse("admin:bots_providercredential_changelist") if offline else page
    return Step(
        gettext("Choose who writes the answers"),
        text,
        url,
        gettext("Provider keys") if offline else gettext("Open the bot"),
        bot is not None,
    )


def _has_answered() -> bool:
    return Message.objects.filter(role=MessageRole.ASSISTANT, outcome=Outcome.ANSWERED).exists()


def _was_asked_from_a_page(bots: Sequence[BotProfile]) -> bool:
    listed = {origin for bot in bots for origin in bot.allowed_origins}
    return bool(listed) and Chat.objects.filter(origin__in=listed).exists()
