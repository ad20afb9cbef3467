"""WebSocket routes; `/t/<slug>` has been moved to the root path before they are matched."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from knowledge.progress.consumers import ProgressConsumer

websocket_urlpatterns: list[Any] = [
    re_path(r"^(?:t/[a-z0-9-]+/)?ws/sources/$", ProgressConsumer.as_asgi())
]
