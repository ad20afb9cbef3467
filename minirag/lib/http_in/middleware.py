"""What a middleware needs so that Django calls it on an event loop and off one, without a thread in between."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase


class TwofoldMiddleware(ABC):
    """A middleware in two forms; Django takes the one that the rest of the chain has."""

    async_capable = sync_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return self.call_async(request) if self.is_async else self.call(request)

    @abstractmethod
    def call(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request where `get_response` is a function."""

    @abstractmethod
    async def call_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request where `get_response` is a coroutine function."""
