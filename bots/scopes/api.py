"""`/v1/bot-profiles/{id}/scopes` and `/v1/scope-templates`."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from bots.models import BotProfile, Scope
from bots.profiles import find_bot
from bots.scopes.changing import create_scope, delete_scope, find_scope, has_sources, update_scope
from bots.scopes.guardrails import find_context, judge
from bots.scopes.refusals import write_refusal
from bots.scopes.replies import (
    BotScopePageReply,
    BotScopeReply,
    ScopeTemplatesReply,
    ScopeVerdictReply,
)
from bots.scopes.serializers import (
    BotScopeChanges,
    NewBotScope,
    ScopeQuestion,
    render_scope,
    render_template,
    render_verdict,
)
from bots.scopes.templates import TEMPLATES
from minirag.ai.local import find_sentence_embedder
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import OLDEST_FIRST, PageQuery, paginate, render_page
from minirag.lib.http_in.rest import ApiView, no_content, parse_uuid, read_body, read_query
from minirag.lib.text.analysis import detect_language
from tenants.models import Scope as TokenScope
from tenants.permissions import HasTenant, permit

_TAKEN = {
    409: "The bot has a scope of that name (`scope_name_taken`), or too many (`too_many_scopes`)."
}


class ScopeView(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    def find_bot(self, bot_profile_id: str) -> BotProfile:
        return find_bot(parse_uuid(bot_profile_id, "bot_profile_id"))


class ScopeList(ScopeView):
    @describe(
        "List a bot's scopes",
        query=PageQuery,
        answers={200: BotScopePageReply},
        description="Oldest first.",
    )
    def get(self, request: Request, bot_profile_id: str) -> Response:
        bot = self.find_bot(bot_profile_id)
        page = paginate(
            Scope.objects.filter(bot_profile=bot),
            read_query(PageQuery, request),
            order=OLDEST_FIRST,
        )
        can_answer = has_sources(bot)
        return Response(
            render_page(page, [render_scope(scope, has_sources=can_answer) for scope in page.items])
        )

    @describe(
        "Create a scope", body=NewBotScope, answers={201: BotScopeReply}, errors=_TAKEN,
        description="`template` fills in what is not sent. `warnings` name what is odd, and hinder nothing.",
        example={"name": "Support", "template": "customer-support", "forbidden_topics": ["politics"]},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: str) -> Response:
        bot = self.find_bot(bot_profile_id)
        scope = create_scope(bot, read_body(NewBotScope, request).changes())
        return Response(render_scope(scope, has_sources=has_sources(bot)), status=201)


class ScopeDetail(ScopeView):
    def find(self, bot_profile_id: str, scope_id: str) -> tuple[BotProfile, Scope]:
        scope_key = parse_uuid(scope_id, "scope_id")
        bot = self.find_bot(bot_profile_id)
        return bot, find_scope(bot, scope_key)

    @describe("Show a scope", answers={200: BotScopeReply})
    def get(self, request: Request, bot_profile_id: str, scope_id: str) -> Response:
        bot, scope = self.find(bot_profile_id, scope_id)
        return Response(render_scope(scope, has_sources=has_sources(bot)))

    @describe(
        "Change a scope", body=BotScopeChanges, answers={200: BotScopeReply}, errors=_TAKEN,
        description="It counts with the next question. Lists are replaced; of `guidelines` only what is sent changes.",
        example={"strictness": "strict", "guidelines": {"max_words": 120}},
    )  # fmt: skip
    def patch(self, request: Request, bot_profile_id: str, scope_id: str) -> Response:
        bot, scope = self.find(bot_profile_id, scope_id)
        changed = update_scope(scope, read_body(BotScopeChanges, request).changes())
        return Response(render_scope(changed, has_sources=has_sources(bot)))

    @describe(
        "Delete a scope",
        answers={204: None},
        description='For good; `PATCH {"is_active": false}` puts it away.',
    )
    def delete(self, request: Request, bot_profile_id: str, scope_id: str) -> HttpResponse:
        delete_scope(self.find(bot_profile_id, scope_id)[1])
        return no_content()


class ScopeCheck(ScopeView):
    permission_classes = (HasTenant, permit("bots", write=TokenScope.READ))

    @describe(
        "Check a question against a bot's scopes", body=ScopeQuestion, answers={200: ScopeVerdictReply},
        description="What the active scopes say, without asking the bot; nothing is stored. `history` are earlier "
        "questions of the chat, oldest first.",
        example={"question": "And when does it arrive?", "history": ["Where is my parcel?"]},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: str) -> Response:
        bot = self.find_bot(bot_profile_id)
        body = read_body(ScopeQuestion, request)
        scopes = bot.active_scopes
        verdict = judge(
            body.question, scopes, find_context(body.history), embed=find_sentence_embedder()
        )
        language = detect_language(body.question)
        text = (
            ""
            if verdict.is_allowed
            else write_refusal(verdict, scopes, own=bot.refusal_text, language=language)
        )
        return Response(render_verdict(verdict, text))


class ScopeTemplateList(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe(
        "List scope templates", answers={200: ScopeTemplatesReply}, description="To start from."
    )
    def get(self, request: Request) -> Response:
        return Response({"items": [render_template(template) for template in TEMPLATES]})
