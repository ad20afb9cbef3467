"""`/v1/bot-profiles`."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from bots.models import BotProfile
from bots.profiles import create_bot, deactivate_bot, find_bot, seal_key, update_bot
from bots.schemas import (
    BotChanges,
    BotProfileSchema,
    BotSettingsChanges,
    BotSettingsSchema,
    NewBot,
)
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PlainPageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class BotView(ApiView):
    permission_classes = (HasTenant, permit("bots"))


class BotList(BotView):
    @describe("List bots", query=PlainPageQuery, answers={200: list[BotProfileSchema]})
    def get(self, request: Request, query: PlainPageQuery) -> Page[BotProfile]:
        return paginate(BotProfile.objects.all(), query)

    @describe(
        "Create a bot", body=NewBot, answers={201: BotProfileSchema}, example={"name": "Support"},
        description="Its settings may be sent as well; `GET …/settings` shows them.",
    )  # fmt: skip
    def post(self, request: Request, body: NewBot) -> BotProfile:
        return create_bot(body.columns, credentials=body.provider)


class BotDetail(BotView):
    @describe("Show a bot", answers={200: BotProfileSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> BotProfile:
        return find_bot(bot_profile_id)

    @describe(
        "Change a bot", body=BotChanges, answers={200: BotProfileSchema}, example={"temperature": 0.2},
        description="Its settings may be sent as well.",
    )  # fmt: skip
    def patch(self, request: Request, bot_profile_id: UUID, body: BotChanges) -> BotProfile:
        bot, changes = find_bot(bot_profile_id), body.columns
        if "credentials" in body.model_fields_set:
            changes |= seal_key(bot, body.provider, changes)
        return update_bot(bot, changes)

    @describe(
        "Deactivate a bot",
        answers={204: None},
        description='`PATCH {"is_active": true}` undoes it.',
    )
    def delete(self, request: Request, bot_profile_id: UUID) -> None:
        deactivate_bot(bot_profile_id)


class BotSettingsDetail(BotView):
    @describe("Show a bot's settings", answers={200: BotSettingsSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> BotProfile:
        return find_bot(bot_profile_id)

    @describe(
        "Change a bot's settings", body=BotSettingsChanges, answers={200: BotSettingsSchema},
        example={"greeting": "How can I help?", "allowed_origins": ["https://www.acme.com"]},
    )  # fmt: skip
    def patch(self, request: Request, bot_profile_id: UUID, body: BotSettingsChanges) -> BotProfile:
        return update_bot(find_bot(bot_profile_id), body.model_dump(exclude_unset=True))
