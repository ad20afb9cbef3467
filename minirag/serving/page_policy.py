"""What a browser may do on our pages: `Content-Security-Policy`, so that injected text runs nothing.

No inline script anywhere. The admin's theme evaluates expressions in its markup (Alpine), so its pages alone may
`eval`; it and the widget set styles on elements. The socket of the widget is named, since older browsers do not take it
for `'self'`.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase

from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.http_in.doors import Proof, route_of
from minirag.lib.http_in.middleware import TwofoldMiddleware

_HEADER = "Content-Security-Policy"


class PagePolicyMiddleware(TwofoldMiddleware):
    """Puts the policy on every page whose view has none of its own."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        return self._restrict(request, self.get_response(request))

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        return self._restrict(request, await self.get_response(request))

    def _restrict(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault(_HEADER, write_policy(request))
        return response


def write_policy(request: HttpRequest) -> str:
    arrival = Arrival.of_request(request)
    socket = (
        f" {'wss' if arrival.scheme == 'https' else 'ws'}://{arrival.netloc}"
        if arrival.host
        else ""
    )
    may_evaluate = " 'unsafe-eval'" if route_of(request).door.proof == Proof.SESSION else ""
    return (
        f"default-src 'none'; script-src 'self'{may_evaluate}; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data:; font-src 'self'; connect-src 'self'{socket}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
