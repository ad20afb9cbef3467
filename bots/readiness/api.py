"""`/v1/bot-profiles/{id}/readiness`: whether a bot can be asked, and what is missing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from bots.profiles import find_bot
from bots.readiness.judging import judge_bot
from bots.readiness.schemas import ReadinessSchema
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class BotReadiness(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe(
        "Show what a bot lacks", answers={200: ReadinessSchema},
        description="No provider is called: a key counts as good until it has failed a test.",
    )  # fmt: skip
    def get(self, request: Request, bot_profile_id: UUID) -> dict[str, Any]:
        bot = find_bot(bot_profile_id)
        judged = judge_bot(bot)
        found = [vars(each) for each in judged.findings]
        return {"bot_profile_id": bot.pk, "state": judged.state, "findings": found}
