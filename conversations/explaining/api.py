"""`POST /v1/bot-profiles/{id}/explain`: try a question, ask why a passage was not found, compare two configurations.

It costs what a visitor's question costs and shows what the chat log shows, so a token needs both rights. Trying other
values is for who may set them: they name models, which cost, and say what a bot is told.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from bots.configurations import with_configuration
from bots.profiles import find_bot
from conversations.audiences import audience_of
from conversations.explaining.comparing import Comparison, compare
from conversations.explaining.explaining import Explanation, Trial, explain
from conversations.explaining.schemas import ExplainedSchema, ExplainRequest
from minirag.lib.http_in.doors import Door, Proof, fields_body
from minirag.lib.http_in.ignored import tell_ignored
from minirag.lib.http_in.nouns import Joined
from minirag.lib.http_in.openapi import describe
from minirag.lib.http_in.rest import (
    on_loop,
    parse_uuid,
    read_body_async,
)
from tenants.authentication import Identity, require_identity
from tenants.calls.permissions import require_right, require_role, restricted
from tenants.context import run_sync
from tenants.models import ApiToken, Right


@describe(
    "Explain an answer", method="POST", body=ExplainRequest, answers={200: ExplainedSchema},
    description="Answers a question as the bot would, active or not, and says step by step why so. No chat is left "
    "behind; it is metered, and counts against quotas. With `chunk_id`, `source_id` or `text` it says why a passage "
    "was not found, with `configuration` or `against` what differs. `configuration` needs the right `manage`; a token "
    "for one bot looks for passages among that bot's own.",
    errors={
        402: "The budget of the tenant or the bot is spent.", 404: "No such bot in this tenant.",
    },
    examples={
        "answer": {"question": "When are you open?"},
        "passage": {"question": "When are you open?", "text": "open from 9 to 17"},
        "comparison": {"question": "When are you open?", "configuration": {"passage_count": 8}},
    },
)  # fmt: skip
@on_loop("POST", Door(Proof.BEARER, fields_body, asks=True))
async def explain_answer(request: HttpRequest, bot_profile_id: str) -> HttpResponseBase:
    """Explain one answer, or compare two."""
    bot_id, caller = parse_uuid(bot_profile_id, "bot_profile_id"), require_identity(request)
    token, is_bound = caller.token, bool(caller.token and caller.token.bot_profile_id)
    require_role(caller.user, Right.CHAT, "models")
    _require_rights(token, bot_id)
    body = await read_body_async(ExplainRequest, request)
    if body.configuration is not None:
        _require_manager(caller)
    bot, other = await run_sync(find_bot, bot_id), None
    wanted = replace(body.wanted, own_only=is_bound)
    family = token.family if token else None
    audience = audience_of(caller, body.groups)
    trial = Trial(body.question, body.said, tuple(body.languages), wanted, family, audience)
    if body.against is not None:
        _require_rights(token, body.against)
        other = await run_sync(find_bot, body.against)
    elif body.configuration is not None:
        other = with_configuration(bot, body.configuration)
    found: Explanation | Comparison
    found = await (explain(bot, trial) if other is None else compare(bot, other, trial))
    shown = ExplainedSchema.model_validate(_tell(found))
    response = HttpResponse(shown.model_dump_json(), content_type="application/json")
    tell_ignored(request, response)
    return response


def _require_rights(token: ApiToken | None, bot_profile_id: UUID) -> None:
    for right in (Right.READ, Right.CHAT):
        require_right(token, right, bot_profile_id=bot_profile_id)


def _require_manager(caller: Identity) -> None:
    """As for changing a bot, which a token for a single one may not either."""
    require_role(caller.user, Right.MANAGE, "bots")
    require_right(caller.token, Right.MANAGE)
    if caller.token is not None and caller.token.bot_profile_id:
        raise restricted()


def _tell(found: Explanation | Comparison) -> Joined:
    if isinstance(found, Comparison):
        return Joined(found.first, comparison=found)
    return Joined(found, comparison=None)
