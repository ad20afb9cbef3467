"""A bot's own page: who sees it, what it tells search engines and cards, and who may frame it."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from bots.models import BotProfile
from bots.profiles import create_bot, update_bot
from conftest import Party
from minirag.pages.hosted import choose_language
from tenants.context import tenant_context
from tenants.provisioning import suspend_tenant
from widget.build import languages

ORIGIN = "https://www.acme.example"


@pytest.fixture
def bot(in_acme: Party) -> BotProfile:
    return create_bot({"name": "Ida", "description": "Knows the manuals.", "is_public": True})


def show(bot: BotProfile, prefix: str = "/t/acme", query: str = "", **headers: str) -> HttpResponse:
    return Client(SCRIPT_NAME=prefix).get(f"/chat/{bot.pk}/{query}", headers=headers)


def meta_of(page: HttpResponse) -> dict[str, str]:
    tags = re.findall(r'<meta (?:name|property)="([^"]+)" content="([^"]*)"', page.content.decode())
    return dict(tags)


def test_anybody_sees_a_public_bots_page_and_nobody_another(bot, globex, in_acme):
    assert show(bot).status_code == 200
    assert Client(SCRIPT_NAME="/t/acme").post(f"/chat/{bot.pk}/").status_code == 405
    assert show(bot, "/t/globex").status_code == show(bot, "").status_code == 404
    assert Client(SCRIPT_NAME="/t/acme").get(f"/chat/{uuid4()}/").status_code == 404
    with tenant_context(globex.tenant):
        theirs = create_bot({"name": "Gil", "is_public": True})
    refused = show(theirs)
    assert refused.status_code == 404 and "Gil" not in refused.content.decode()
    for closed in ({"is_public": False}, {"is_public": True, "is_active": False}):
        update_bot(bot, closed)
        assert show(bot).status_code == 404
    update_bot(bot, {"is_active": True})
    suspend_tenant(in_acme.tenant)
    assert show(bot).status_code == 404


def test_what_it_tells_of_itself_is_the_bots_and_escaped(bot, in_acme):
    page = show(bot)
    html, meta = page.content.decode(), meta_of(page)
    assert f'bot-id="{bot.pk}" placement="inline"' in html
    assert f"<title>Ida · {in_acme.tenant.public_name}</title>" in html
    assert meta["og:title"] == "Ida" and meta["og:description"] == "Knows the manuals."
    assert meta["og:url"] == f"http://testserver/t/acme/chat/{bot.pk}/"
    assert meta["og:site_name"] == in_acme.tenant.public_name
    wicked = '"><script>alert(1)</script>'
    update_bot(bot, {"description": wicked * 20, "appearance": {"title": wicked, "theme": "dark"}})
    html = show(bot).content.decode()
    assert "<script>alert" not in html and 'data-theme="dark"' in html


def test_search_engines_are_asked_not_to_list_it_unless_the_bot_says_so(bot):
    asked = show(bot)
    assert asked["X-Robots-Tag"] == meta_of(asked)["robots"] == "noindex"
    update_bot(bot, {"is_indexed": True})
    listed = show(bot)
    assert "X-Robots-Tag" not in listed.headers and "robots" not in meta_of(listed)


def test_it_may_stand_in_a_frame_on_the_bots_own_pages_only(bot):
    assert show(bot)["Content-Security-Policy"].endswith("; frame-ancestors 'self'")
    update_bot(bot, {"allowed_origins": [ORIGIN, "https://shop.acme.example:8443"]})
    # As it could stand in a row that was written past the forms.
    BotProfile.objects.filter(pk=bot.pk).update(
        allowed_origins=[*bot.allowed_origins, "https://a;script-src *", "https://b.example/x"]
    )
    page = show(bot)
    policy = page["Content-Security-Policy"]
    assert policy.endswith(f"; frame-ancestors 'self' {ORIGIN} https://shop.acme.example:8443")
    assert policy.count("script-src") == 1 and "unsafe" not in policy
    assert "X-Frame-Options" not in page.headers


def test_it_shows_the_pictures_that_answers_may_show_and_no_others(bot):
    assert "img-src 'self' data:;" in show(bot)["Content-Security-Policy"]
    update_bot(bot, {"appearance": {"image_hosts": ["images.acme.example", "cdn.example:8443"]}})
    listed = "img-src 'self' data: https://images.acme.example https://cdn.example:8443;"
    assert listed in show(bot)["Content-Security-Policy"]
    # As it could stand in a row that was written past the forms.
    BotProfile.objects.filter(pk=bot.pk).update(appearance={"image_hosts": ["a; script-src *"]})
    assert "img-src 'self' data:;" in show(bot)["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("query", "header", "language", "direction"),
    [
        ("", "", "en", "ltr"),
        ("", "xx, pt-BR;q=0.8, de;q=0.5", "pt", "ltr"),
        ("?lang=ar", "de", "ar", "rtl"),
        ("?lang=zh_Hans", "", "zh", "ltr"),
        ("?lang=%22%3E", "uk-UA", "uk", "ltr"),
    ],
)
def test_it_is_in_the_language_that_is_asked_for(bot, query, header, language, direction):
    page = show(bot, query=query, **{"accept-language": header})
    assert f'<html lang="{language}" dir="{direction}">' in page.content.decode()
    assert "Accept-Language" in page["Vary"]


def test_every_language_of_the_widget_can_be_asked_for(rf):
    for language in languages():
        assert choose_language(rf.get(f"/?lang={language}")) == language


def test_a_bot_without_a_colour_wears_the_tenants(bot, in_acme):
    assert "branding/colours.css" not in show(bot).content.decode()
    in_acme.tenant.accent = "#8a1c4a"
    in_acme.tenant.save()
    branded = show(bot).content.decode()
    assert "branding/colours.css" in branded and 'class="branded"' in branded
    update_bot(bot, {"appearance": {"color": "#0b7285"}})
    assert "branding/colours.css" not in show(bot).content.decode()
