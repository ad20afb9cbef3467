"""In which language the pages of the admin speak: the one chosen there (a cookie), else the browser's.

`/v1` and what bots say are not concerned: the contract's texts stay English, and bots speak as they are asked. The
public pages of the platform and of a tenant (minirag.pages.public) go by the browser as well.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language_from_request, override

from minirag.lib.http_in.doors import Proof, route_of
from minirag.lib.http_in.middleware import TwofoldMiddleware


class LanguageMiddleware(TwofoldMiddleware):
    """Answers a page of the admin in its reader's language; the language is left again with the answer."""

    def call(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_of_admin(request):
            return self.get_response(request)
        with override(get_language_from_request(request)):
            return _tell_language(request, self.get_response(request))

    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        if not _is_of_admin(request):
            return await self.get_response(request)
        with override(get_language_from_request(request)):
            return _tell_language(request, await self.get_response(request))


def _is_of_admin(request: HttpRequest) -> bool:
    return route_of(request).door.proof == Proof.SESSION


def _tell_language(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    patch_vary_headers(response, ("Accept-Language", "Cookie"))
    response.headers.setdefault("Content-Language", get_language_from_request(request))
    return response
