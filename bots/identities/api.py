"""`/v1/bot-profiles/{id}/identity-secret`: with it a site signs who its visitors are."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from bots.identities.changing import forget_secret, make_secret
from bots.identities.schemas import (
    IdentitySecretSchema,
    NewIdentitySecret,
    NewIdentitySecretSchema,
)
from bots.models import BotProfile
from bots.profiles import find_bot
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit


class IdentitySecret(ApiView):
    permission_classes = (HasTenant, permit("bots"))

    @describe("Show whether a bot has an identity secret", answers={200: IdentitySecretSchema})
    def get(self, request: Request, bot_profile_id: UUID) -> BotProfile:
        return find_bot(bot_profile_id)

    @describe(
        "Make an identity secret", body=NewIdentitySecret, answers={201: NewIdentitySecretSchema},
        description="Replaces the one before, which counts for `overlap_seconds` longer.",
        example={"overlap_seconds": 3600},
    )  # fmt: skip
    def post(self, request: Request, bot_profile_id: UUID, body: NewIdentitySecret) -> Joined:
        bot, secret = make_secret(bot_profile_id, body.overlap_seconds)
        return Joined(bot, secret=secret)

    @describe(
        "Forget a bot's identity secret", answers={204: None},
        description="No signature is believed any more, from the next question on.",
    )  # fmt: skip
    def delete(self, request: Request, bot_profile_id: UUID) -> None:
        forget_secret(bot_profile_id)
