"""The ASGI application: HTTP, Server-Sent Events and WebSocket from one port."""

from __future__ import annotations

import atexit
import os
from threading import Thread

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
django.setup(set_prefix=False)  # first: the imports below need it

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from conversations.widget.routing import websocket_urlpatterns  # noqa: E402
from minirag.ai.chat import warm_up  # noqa: E402
from minirag.operations.checks import require_secrets, require_tenants_apart  # noqa: E402
from minirag.serving.admission import admit  # noqa: E402
from minirag.serving.daphne import install as install_streamed_requests  # noqa: E402
from minirag.serving.handlers import ApiHandler, HttpApp, PageHandler  # noqa: E402
from minirag.serving.stopping import OpenRequests, stop_gracefully  # noqa: E402
from tenants.calls.middleware import ArrivalApp  # noqa: E402

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

install_streamed_requests()
requests = OpenRequests(HttpApp(PageHandler(), ApiHandler(), admit))
stop_gracefully(requests)
application = ArrivalApp(
    ProtocolTypeRouter(
        {
            "http": requests,
            "websocket": URLRouter(websocket_urlpatterns),
        }
    )
)
