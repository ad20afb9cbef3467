"""What a browser may do on our pages: `Content-Security-Policy`, so that injected text runs nothing.

No inline script and no inline `<style>` anywhere. The admin's theme evaluates expressions in its markup (Alpine) and
has `style` attributes on some elements (its helpers and components, our bars of usage), so its pages alone may do that.
What a script sets on an element's style is not the policy's business. The socket of the widget is named, since older
browsers do not take it for `'self'`.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def write_policy(
    request: HttpRequest, *, framed_by: str = "'none'", pictures_from: Sequence[str] = ()
) -> str:
    """`pictures_from` are hosts beside our own, over HTTPS."""
    arrival = Arrival.of_request(request)
    socket = (
        f" {'wss' if arrival.scheme == 'https' else 'ws'}://{arrival.netloc}"
        if arrival.host
        else ""
    )
    is_admin = route_of(request).door.proof == Proof.SESSION
    may_evaluate = " 'unsafe-eval'" if is_admin else ""
    # The widget's preview is a page of the admin's own in a frame.
    attributes = " style-src-attr 'unsafe-inline'; frame-src 'self';" if is_admin else ""
    pictures = "".join(f" https://{host}" for host in pictures_from)
    return (
        f"default-src 'none'; script-src 'self'{may_evaluate}; style-src 'self';{attributes} "
        f"img-src 'self' data:{pictures}; font-src 'self'; "
        f"connect-src 'self'{socket}; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {framed_by}"
    )
