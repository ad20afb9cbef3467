"""`/v1/embeddings`: the vectors that a bot's knowledge is searched by, for clients that speak OpenAI's protocol."""

from __future__ import annotations

import asyncio

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from conversations.openai.embeddings.embedding import embed_for
from conversations.openai.embeddings.schemas import (
    EmbeddingListSchema,
    NewEmbeddings,
    write_vectors,
)
from conversations.openai.finding import find_embedder
from minirag.lib.http_in.doors import Door, Proof, text_body
from minirag.lib.http_in.ignored import tell_ignored
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.rest import on_loop, read_body_async
from tenants.authentication import require_identity
from tenants.calls.permissions import require_right, require_role
from tenants.context import run_sync
from tenants.models import Right


@describe(
    "Embed texts", method="POST", body=NewEmbeddings, answers={200: EmbeddingListSchema},
    description="OpenAI's protocol: `model` is an embedding model of `GET /v1/models`, or a bot for that bot's own. "
    "Counted as one question, and metered by its tokens for the bot whose model it is.",
    errors={
        400: "Nothing that can be embedded, or too much of it.",
        402: "The budget of the tenant, the bot or the API token is spent.", 404: "No such model.",
        502: "The model provider failed.", 503: "The model's files or its key are missing.",
        504: "The model provider took too long.",
    },
    example={"model": EXAMPLE_IDS["bot_profile_id"], "input": ["When are you open?", "Open from 9 to 17."]},
)  # fmt: skip
@on_loop("POST", Door(Proof.BEARER, text_body, asks=True))
async def embeddings(request: HttpRequest) -> HttpResponseBase:
    """Embed on the event loop's threads."""
    identity = require_identity(request)
    require_role(identity.user, Right.CHAT, "models")
    require_right(identity.token, Right.CHAT)
    body = await read_body_async(NewEmbeddings, request)
    texts, token = body.texts, identity.token
    embedder = await run_sync(find_embedder, body.model, token.bot_profile_id if token else None)
    made = await embed_for(
        embedder, texts, kind=body.input_type, token_id=token.family if token else None,
        dimensions=body.dimensions,
    )  # fmt: skip
    written = await asyncio.to_thread(
        write_vectors,
        made.rows,
        embedder.name,
        made.tokens,
        in_base64=body.encoding_format == "base64",
    )
    response = HttpResponse(written, content_type="application/json")
    tell_ignored(request, response)
    return response
