"""The least a Django application can do, under the same Daphne: what a request costs without the product."""

from __future__ import annotations

import django
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(
    DEBUG=False, SECRET_KEY="bench", ALLOWED_HOSTS=["*"], ROOT_URLCONF="bench.hello", MIDDLEWARE=[]
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402


def greet(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": "world"})


async def greet_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hello": "world"})


urlpatterns = [path("sync", greet), path("async", greet_async)]
application = get_asgi_application()
