"""What a request is told while PostgreSQL is away, wherever it found out: 503, and when to come back."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from minirag.lib.errors import DatabaseUnavailable
from minirag.lib.http_in.rest import error_response

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Not available</title></head>
<body><h1>Not available at the moment</h1><p>Please try again in a few seconds.</p></body>
</html>
"""


def wants_json(request: HttpRequest) -> bool:
    """Whether an error is for a program: all of the API, and whoever does not ask for a page."""
    return request.path_info.startswith("/v1/") or "text/html" not in request.headers.get(
        "Accept", ""
    )


def answer_outage(request: HttpRequest) -> HttpResponse:
    """Answer 503 with Retry-After, to a program in JSON and to a person in words."""
    outage = DatabaseUnavailable()
    if wants_json(request):
        return error_response(outage, request)
    return HttpResponse(
        _PAGE, status=outage.status, headers={"Retry-After": str(outage.retry_after_seconds)}
    )
