"""`/v1/bot-profiles/{id}/scopes` and `/v1/scope-templates`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from bots.models import Scope
from bots.profiles import find_bot
from bots.scopes.changing import (
    create_scope,
    delete_scope,
    find_scope,
    find_warnings,
    has_sources,
    update_scope,
)
from bots.scopes.guardrails import Verdict, find_context, judge
from bots.scopes.refusals import write_refusal
from bots.scopes.schemas import (
    BotScopeChanges,
    BotScopePageSchema,
    BotScopeSchema,
    NewBotScope,
    ScopeQuestion,
    ScopeTemplatesSchema,
    ScopeVerdictSchema,
)
from bots.scopes.templates import TEMPLATES
from minirag.ai.builtin.local import find_sentence_embedder
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import OLDEST_FIRST, Page, PageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from minirag.lib.text.short_texts import decide_language
from tenants.calls.permissions import HasTenant, permit
from tenants.models import Right

_TAKEN = {
    409: "The bot has a scope of that name (`scope_name_taken`), or too many (`too_many_scopes`)."
}


class ScopeView(ApiView):
    permission_classes = (HasTenant, permit("bots"))


class ScopeList(ScopeView):
    @describe(
        "List a bot's scopes", query=PageQuery, answers={200: BotScopePageSchema}, description="Oldest first.",
    )  # fmt: skip
    def get(self, request: Request, bot_profile_id: UUID, query: PageQuery) -> Page[Any]:
        bot = find_bot(bot_profile_id)
        page = paginate(Scope.objects.filter(bot_profile=bot), query, order=OLDEST_FIRST)
        can_answer = has_sources(bot)
        return page.of(lambda scope: _show(scope, can_answer))

    @describe(
        "Create a scope", body=NewBotScope, answers={201: BotScopeSchema}, errors=_TAKEN,
        description="`template` fills in what is not sent. `warnings` name what is odd, and hinder nothing.",
        example={"name": "Support", "template": "customer-support", "forbidden_topics": ["politics"]},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID, body: NewBotScope) -> Joined:
        bot = find_bot(bot_profile_id)
        return _show(create_scope(bot, body.columns()), has_sources(bot))


class ScopeDetail(ScopeView):
    @describe("Show a scope", answers={200: BotScopeSchema})
    def get(self, request: Request, bot_profile_id: UUID, scope_id: UUID) -> Joined:
        bot = find_bot(bot_profile_id)
        return _show(find_scope(bot, scope_id), has_sources(bot))

    @describe(
        "Change a scope", body=BotScopeChanges, answers={200: BotScopeSchema}, errors=_TAKEN,
        description="It counts with the next question. Lists are replaced; of `guidelines` only what is sent changes.",
        example={"strictness": "strict", "guidelines": {"max_words": 120}},
    )  # fmt: skip
    def patch(
        self, request: Request, bot_profile_id: UUID, scope_id: UUID, body: BotScopeChanges
    ) -> Joined:
        bot = find_bot(bot_profile_id)
        changed = update_scope(find_scope(bot, scope_id), body.columns())
        return _show(changed, has_sources(bot))

    @describe(
        "Delete a scope",
        answers={204: None},
        description='For good; `PATCH {"is_active": false}` puts it away.',
    )
    def delete(self, request: Request, bot_profile_id: UUID, scope_id: UUID) -> None:
        delete_scope(find_scope(find_bot(bot_profile_id), scope_id))


class ScopeCheck(ScopeView):
    permission_classes = (HasTenant, permit("bots", write=Right.READ))

    @describe(
        "Check a question against a bot's scopes", body=ScopeQuestion, answers={200: ScopeVerdictSchema},
        description="What the active scopes say, without asking the bot; nothing is stored. `history` are earlier "
        "questions of the chat, oldest first.",
        example={"question": "And when does it arrive?", "history": ["Where is my parcel?"]},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID, body: ScopeQuestion) -> dict[str, Any]:
        bot = find_bot(bot_profile_id)
        scopes = bot.active_scopes
        verdict = judge(
            body.question, scopes, find_context(body.history), embed=find_sentence_embedder()
        )
        language = decide_language(body.question)
        text = (
            ""
            if verdict.is_allowed
            else write_refusal(verdict, scopes, own=bot.refusal_text, language=language)
        )
        return _explain(verdict, text)


class ScopeTemplateList(ScopeView):
    @describe(
        "List scope templates", answers={200: ScopeTemplatesSchema}, description="To start from."
    )
    def get(self, request: Request) -> dict[str, Any]:
        scopes = {name: Scope(**rules) for name, rules in TEMPLATES.items()}
        return {"items": [Joined(each, id=name, guidelines=each) for name, each in scopes.items()]}


def _show(scope: Scope, can_answer: bool) -> Joined:
    warnings = find_warnings(scope, has_sources=can_answer)
    return Joined(scope, guidelines=scope, warnings=warnings)


def _explain(verdict: Verdict, refusal_text: str) -> dict[str, Any]:
    decided = verdict.scope
    return {
        "decision": "allow" if verdict.is_allowed else "refuse",
        "reason": verdict.reason or None,
        "scope_id": decided.pk if decided else None,
        "scope_name": decided.name if decided else None,
        "matched_topic": verdict.topic or None,
        "method": verdict.by or None,
        "score": round(verdict.score, 4) if verdict.by else None,
        "threshold": verdict.threshold if verdict.by else None,
        "refusal_text": refusal_text or None,
    }
