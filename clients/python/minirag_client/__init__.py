"""A typed client of MiniRAG's `/v1`: one method per operation of its OpenAPI document, and what programs need besides.

from minirag_client import MiniRAG

with MiniRAG("https://chat.example.com", token) as minirag:
    for event in minirag.stream(bot_profile_id=bot, message="When are you open?"):
        ...
"""

from minirag_client.client import Event, MiniRAG
from minirag_client.transport import MiniRAGError, etag_of
from minirag_client.webhooks import verify_webhook

__all__ = ["Event", "MiniRAG", "MiniRAGError", "etag_of", "verify_webhook"]
