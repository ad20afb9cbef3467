"""A bot's own page: its widget in full size below the tenant's path or host, to be linked to or put into a frame.

It is there for bots that anybody may ask (`is_public`). The pages that may show it in a frame are those whose widget
may talk to the bot: who may ask it from there may as well ask it in a frame there.
"""

from __future__ import annotations

import json
from functools import cache
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import override
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from bots.appearance.looks import read_appearance
from bots.models import BotProfile
from conversations.widget.sessions import read_origin
from minirag.lib.http_in.arrivals import Arrival
from minirag.serving.page_policy import write_policy
from tenants.branding.serving import colours_address, logo_address
from tenants.context import require_tenant

_LONGEST_CARD = 300


@require_safe
@xframe_options_exempt  # the policy names who may
def show_bot(request: HttpRequest, bot_id: UUID) -> HttpResponse:
    """404 for a bot that is not public, off, another tenant's or of a tenant that is not active."""
    tenant = require_tenant()
    bot = BotProfile.objects.active().filter(pk=bot_id, is_public=True).first()
    if bot is None or not tenant.is_active:
        raise Http404
    look, logo = read_appearance(bot.appearance), logo_address()
    language = choose_language(request)
    context = {
        "bot_id": str(bot.pk), "title": look.title or bot.name, "tenant_name": tenant.public_name,
        "description": (bot.description or bot.greeting)[:_LONGEST_CARD], "theme": look.theme,
        "url": request.build_absolute_uri(request.path), "is_indexed": bot.is_indexed,
        "logo_url": logo, "card_image": request.build_absolute_uri(logo) if logo else "",
        "colours_url": "" if look.color else colours_address(), "language": language,
        "direction": _directions()[language],
    }  # fmt: skip
    with override(language):
        response = render(request, "hosted/page.html", context)
    frames = " ".join(["'self'", *filter(None, map(read_origin, bot.allowed_origins))])
    response["Content-Security-Policy"] = write_policy(
        request, framed_by=frames, pictures_from=look.image_hosts
    )
    response["Vary"] = "Accept-Language"
    response["Cache-Control"] = "no-cache"
    if not bot.is_indexed:
        response["X-Robots-Tag"] = "noindex"
    return response


def choose_language(request: HttpRequest) -> str:
    """What the page says (`?lang=`), then what the browser asks for, as far as the widget speaks it; else English."""
    for wanted in (request.GET.get("lang", ""), *Arrival.of_request(request).languages):
        language = wanted.replace("_", "-").partition("-")[0].lower()
        if language in _directions():
            return language
    return "en"


@cache
def _directions() -> dict[str, str]:
    """How what the widget speaks runs, by language."""
    words = (settings.BASE_DIR / "static" / "minirag" / "words").glob("*.json")
    return {path.stem: json.loads(path.read_text())["dir"] for path in words}
