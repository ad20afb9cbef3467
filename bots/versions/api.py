"""`/v1/bot-profiles/{id}/versions`: what a bot was set to before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from bots.models import BotVersion
from bots.profiles import find_bot
from bots.versions.keeping import describe_configuration, find_version, versions_of
from bots.versions.rolling_back import plan_roll_back, roll_back
from bots.versions.schemas import (
    BotVersionDetailSchema,
    BotVersionPageSchema,
    RollBackBody,
    RollBackSchema,
    VersionComparisonQuery,
    VersionComparisonSchema,
)
from bots.versions.telling import compare_configurations
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.pagination import Page, PageQuery, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class VersionView(ApiView):
    permission_classes = (HasTenant, permit("bots"))


class VersionList(VersionView):
    @describe(
        "List a bot's versions", query=PageQuery, answers={200: BotVersionPageSchema},
        description="Each saved configuration, the newest first; the newest is live. The last 100 are kept.",
    )  # fmt: skip
    def get(self, request: Request, bot_profile_id: UUID, query: PageQuery) -> Page[BotVersion]:
        return paginate(versions_of(find_bot(bot_profile_id)), query, order=("-number", "-id"))


class VersionDetail(VersionView):
    @describe("Show a bot's version", answers={200: BotVersionDetailSchema})
    def get(self, request: Request, bot_profile_id: UUID, version_id: UUID) -> Joined:
        bot = find_bot(bot_profile_id)
        version = find_version(bot, version_id)
        return Joined(version, cannot_come_back=plan_roll_back(bot, version).lost)


class VersionComparison(VersionView):
    @describe(
        "Compare a bot's versions", query=VersionComparisonQuery, answers={200: VersionComparisonSchema},
        description="Field by field, and of texts line by line: what became of it in the version `other_id`, or in "
        "what is live now.",
    )  # fmt: skip
    def get(
        self,
        request: Request,
        bot_profile_id: UUID,
        version_id: UUID,
        query: VersionComparisonQuery,
    ) -> dict[str, Any]:
        bot = find_bot(bot_profile_id)
        before = find_version(bot, version_id)
        other = find_version(bot, query.other_id) if query.other_id else None
        after = other.configuration if other else describe_configuration(bot)
        changes = compare_configurations(before.configuration, after)
        return {"before": before.number, "after": other and other.number, "changes": changes}


class VersionRollBack(VersionView):
    @describe(
        "Roll a bot back", body=RollBackBody, answers={200: RollBackSchema},
        description="Sets the bot to what the version says, as far as that can come back, which makes a new version. "
        "Where the bot has a gate, what decides how it answers becomes its draft.",
        errors={409: "The bot cannot be set so any more (`version_unusable`)."},
        example={"reason": "It was friendlier."},
    )  # fmt: skip
    def post(
        self, request: Request, bot_profile_id: UUID, version_id: UUID, body: RollBackBody
    ) -> dict[str, Any]:
        bot = find_bot(bot_profile_id)
        plan = roll_back(bot, find_version(bot, version_id), body.reason.strip())
        newest = versions_of(bot).first()
        return {
            "bot_profile_id": bot.pk, "number": newest.number if newest else None,
            "held_back": bot.held_back or {}, "changes": plan.changes, "cannot_come_back": plan.lost,
        }  # fmt: skip
