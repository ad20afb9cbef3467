"""`/v1/bot-profiles`."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from bots.models import BotProfile
from bots.profiles import create_bot, deactivate_bot, find_bot, update_bot
from bots.replies import BotProfileReply, BotSettingsReply
from bots.serializers import BotChanges, BotSettings, NewBot, render_bot, render_settings
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import PlainPageQuery, paginate, plain_response
from minirag.lib.http_in.rest import ApiView, no_content, parse_uuid, read_body, read_query
from tenants.permissions import HasTenant, permit


class BotList(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe("List bots", query=PlainPageQuery, answers={200: list[BotProfileReply]})
    def get(self, request: Request) -> Response:
        page = paginate(BotProfile.objects.all(), read_query(PlainPageQuery, request))
        return plain_response(request, page, [render_bot(bot) for bot in page.items])

    @describe(
        "Create a bot", body=NewBot, answers={201: BotProfileReply}, example={"name": "Support"}
    )
    def post(self, request: Request) -> Response:
        body = read_body(NewBot, request)
        fields = body.model_dump(exclude_unset=True, exclude={"credentials"})
        return Response(render_bot(create_bot(fields, credentials=body.provider)), status=201)


class BotDetail(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe("Show a bot", answers={200: BotProfileReply})
    def get(self, request: Request, bot_profile_id: str) -> Response:
        return Response(render_bot(find_bot(parse_uuid(bot_profile_id, "bot_profile_id"))))

    @describe(
        "Change a bot",
        body=BotChanges,
        answers={200: BotProfileReply},
        example={"temperature": 0.2},
    )
    def patch(self, request: Request, bot_profile_id: str) -> Response:
        pk = parse_uuid(bot_profile_id, "bot_profile_id")
        body = read_body(BotChanges, request)
        bot, changes = find_bot(pk), body.model_dump(exclude_unset=True, exclude={"credentials"})
        if "credentials" in body.model_fields_set:
            bot.set_credentials(body.provider)
            changes["encrypted_credentials"] = bot.encrypted_credentials
        return Response(render_bot(update_bot(bot, changes)))

    @describe(
        "Deactivate a bot",
        answers={204: None},
        description='`PATCH {"is_active": true}` undoes it.',
    )
    def delete(self, request: Request, bot_profile_id: str) -> HttpResponse:
        deactivate_bot(parse_uuid(bot_profile_id, "bot_profile_id"))
        return no_content()


class BotSettingsDetail(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe("Show a bot's settings", answers={200: BotSettingsReply})
    def get(self, request: Request, bot_profile_id: str) -> Response:
        return Response(render_settings(find_bot(parse_uuid(bot_profile_id, "bot_profile_id"))))

    @describe(
        "Change a bot's settings", body=BotSettings, answers={200: BotSettingsReply},
        description="Unknown fields are refused.",
        example={"greeting": "How can I help?", "allowed_origins": ["https://www.acme.com"]},
    )  # fmt: skip
    def patch(self, request: Request, bot_profile_id: str) -> Response:
        pk = parse_uuid(bot_profile_id, "bot_profile_id")
        changes = read_body(BotSettings, request).model_dump(exclude_unset=True)
        return Response(render_settings(update_bot(find_bot(pk), changes)))
