"""The ASGI application: HTTP, Server-Sent Events and WebSocket from one port."""

from __future__ import annotations

import atexit
import os
from threading import Thread

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
django.setup(set_prefix=False)  # first: the imports below need it

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from conversations.inbox.routing import websocket_urlpatterns as inbox_sockets  # noqa: E402
from conversations.widget.routing import websocket_urlpatterns as widget_sockets  # noqa: E402
from knowledge.progress.routing import websocket_urlpatterns as progress_sockets  # noqa: E402
from minirag.lib.starting.readiness import WARM, WARM_FIRST, announce  # noqa: E402
from minirag.lib.tracing.spans import prepare as prepare_spans  # noqa: E402
from minirag.operations.checks import require_secrets, require_tenants_apart  # noqa: E402
from minirag.serving.admission import admit  # noqa: E402
from minirag.serving.daphne import install as install_streamed_requests  # noqa: E402
from minirag.serving.handlers import ApiHandler, HttpApp, PageHandler  # noqa: E402
from minirag.serving.loading import load_for_visitors  # noqa: E402
from minirag.serving.stopping import OpenRequests, stop_gracefully  # noqa: E402
from tenants.calls.middleware import ArrivalApp  # noqa: E402

require_secrets()
require_tenants_apart()
prepare_spans()


def warm() -> None:
    try:
        load_for_visitors()
    finally:
        announce(WARM)


warming = Thread(target=warm, name="warm-up", daemon=True)
warming.start()
if os.environ.get(WARM_FIRST):
    warming.join(60)
# Native code that is still being loaded while the interpreter ends would abort the process instead of ending it.
atexit.register(warming.join, 30)

install_streamed_requests()
requests = OpenRequests(HttpApp(PageHandler(), ApiHandler(), admit))
stop_gracefully(requests)
application = ArrivalApp(
    ProtocolTypeRouter(
        {
            "http": requests,
            "websocket": URLRouter([*widget_sockets, *progress_sockets, *inbox_sockets]),
        }
    )
)
