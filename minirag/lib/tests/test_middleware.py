"""A middleware in two forms takes the form of what it wraps."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse

from minirag.lib.http_in.middleware import TwofoldMiddleware


class Signing(TwofoldMiddleware):
    def call(self, request):
        return sign(self.get_response(request), "function")

    async def call_async(self, request):
        return sign(await self.get_response(request), "coroutine")


def sign(response, form):
    response["Form"] = form
    return response


def test_before_a_function_it_is_one():
    middleware = Signing(lambda request: HttpResponse("page"))
    assert not iscoroutinefunction(middleware)
    response = middleware(HttpRequest())
    assert (response["Form"], response.content) == ("function", b"page")


def test_before_a_coroutine_function_it_is_one_and_django_can_tell():
    async def answer(request):
        return HttpResponse("page")

    middleware = Signing(answer)
    assert iscoroutinefunction(middleware)
    response = asyncio.run(middleware(HttpRequest()))
    assert (response["Form"], response.content) == ("coroutine", b"page")


def test_one_form_is_not_enough():
    class Half(TwofoldMiddleware):
        def call(self, request):
            return self.get_response(request)

    with pytest.raises(TypeError, match="call_async"):
        Half(lambda request: HttpResponse())
