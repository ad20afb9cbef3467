"""WebSocket routes; `/t/<slug>` has been moved to the root path before they are matched."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from conversations.inbox.consumers import InboxConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^(?:t/[a-z0-9-]+/)?ws/inbox/$", InboxConsumer.as_asgi())
]
