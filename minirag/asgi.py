"""The ASGI application: HTTP, Server-Sent Events and WebSocket from one port."""

from __future__ import annotations

import atexit
import os
from threading import Thread

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
http_application = get_asgi_application()  # first: it sets Django up, which the imports below need

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from conversations.widget.routing import websocket_urlpatterns  # noqa: E402
from minirag.ai.chat import warm_up  # noqa: E402
from minirag.checks import require_secrets, require_tenants_apart  # noqa: E402
from minirag.handlers import ApiHandler, HttpApp  # noqa: E402
from tenants.middleware import TenantPathApp  # noqa: E402

require_secrets()
require_tenants_apart()
# The first visitor should not wait for the embedder to load; a bot's other models load when they are first asked.
warming = Thread(
    target=warm_up,
    args=([settings.DEFAULT_LLM_MODEL, settings.DEFAULT_EMBEDDING_MODEL],),
    name="warm-up",
    daemon=True,
)
warming.start()
# Native code that is still being loaded while the interpreter ends would abort the process instead of ending it.
atexit.register(warming.join, 30)

application = TenantPathApp(
    ProtocolTypeRouter(
        {
            "http": HttpApp(http_application, ApiHandler()),
            "websocket": URLRouter(websocket_urlpatterns),
        }
    )
)
