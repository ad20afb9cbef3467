"""How a bot's widget looks: kept with it, judged, shown to pages, and tried beside the widget itself."""

from __future__ import annotations

import pytest
from django.test import Client

from bots.appearance.looks import Appearance, best_contrast, is_readable, nearest_colour
from bots.models import BotProfile, BotVersion
from bots.profiles import create_bot
from tenants.context import tenant_context
from tests.admin_sessions import log_in_to_admin

JSON = "application/json"
LOOK = {"title": "Ask Ada", "position": "left", "size": "large", "radius": 4, "color": "#8a1c4a"}


@pytest.fixture
def bot(acme):
    with tenant_context(acme.tenant):
        yield create_bot({"name": "Ava", "greeting": "Hi."})


def browser(party):
    slug = party.slug
    return log_in_to_admin(party.owner, f"sessionid_{slug}", SCRIPT_NAME=f"/t/{slug}")


def test_a_colour_has_to_carry_text_and_the_nearest_that_does_is_named():
    for colour in ("#000000", "#ffffff", "#3f51d8", "#8a1c4a", "#ffd54a"):
        assert is_readable(colour), colour
    for colour in ("#7a7a7a", "#c45a1a"):
        assert not is_readable(colour) and best_contrast(colour) < 4.5
        assert is_readable(nearest_colour(colour))


def test_a_look_is_kept_over_the_api_and_nonsense_is_refused(bot, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}/settings"
    answer = as_acme.patch(url, {"appearance": LOOK}, content_type=JSON)
    assert answer.status_code == 200 and answer.json()["appearance"] == LOOK
    assert BotVersion.objects.filter(bot_profile=bot).latest("number").changed == ["appearance"]
    for wrong, said in (
        ({"color": "#7a7a7a"}, "The nearest that passes is #"),
        ({"color": "red"}, "color"),
        ({"color": "#8a1c4a; } body {"}, "color"),
        ({"position": "top"}, "position"),
        ({"radius": 99}, "radius"),
        ({"title": "x" * 101}, "title"),
        ({"script": "x"}, "script"),
        ({"launcher": "<svg>"}, "launcher"),
        ({"launcher_label": "x" * 31}, "launcher_label"),
        ({"image_hosts": ["*"]}, "image_hosts"),
        ({"image_hosts": ["a.example/x"]}, "image_hosts"),
        ({"image_hosts": "a.example"}, "image_hosts"),
        ({"image_hosts": ["a.example"] * 21}, "image_hosts"),
        ("red", "dictionary"),
        (None, "dictionary"),
    ):
        refused = as_acme.patch(url, {"appearance": wrong}, content_type=JSON)
        assert refused.status_code == 422 and said in refused.content.decode(), wrong
    assert as_acme.get(url).json()["appearance"] == LOOK


def test_any_page_may_read_how_a_widget_looks_and_caches_keep_it(bot, acme):
    BotProfile.objects.filter(pk=bot.pk).update(appearance={**LOOK, "shows_logo": True})
    url = f"/v1/widget/bots/{bot.pk}/appearance"
    with tenant_context(None):
        answer = Client().get(url, headers={"origin": "https://anybody.example.com"})
        elsewhere = Client(SCRIPT_NAME="/t/globex").get(url)
    assert answer.json() == {
        **LOOK, "theme": "", "dark_color": Appearance(color="#8a1c4a").dark, "logo_url": "",
        "launcher": "", "launcher_label": "", "image_hosts": [],
    }  # fmt: skip
    assert answer["Cache-Control"] == "public, max-age=300" and elsewhere.status_code == 404
    assert answer["Access-Control-Allow-Origin"] in ("*", "https://anybody.example.com")
    acme.tenant.logo_hash = "abc"
    acme.tenant.save()
    with tenant_context(None):
        clients = (Client(), Client(SCRIPT_NAME="/t/acme"))
        shown = [client.get(url).json()["logo_url"] for client in clients]
    assert shown == ["/t/acme/branding/logo?v=abc"] * 2
    BotProfile.objects.filter(pk=bot.pk).update(is_active=False)
    with tenant_context(None):
        assert Client().get(url).status_code == 404


def test_the_page_saves_a_look_and_says_what_cannot_be_read(bot, acme, bob, globex):
    alice, url = browser(acme), f"/admin/bots/botprofile/{bot.pk}/appearance/"
    page = alice.get(url).content.decode()
    assert "Hi." in page and "appearance/preview/" in page and "data-embed-code" in page
    form = {
        "title": "Ask Ada",
        "greeting": "Hello.",
        "starter_questions": "When?\nHow?",
        "radius": "",
        "color": "#8A1C4A",
        "image_hosts": "Images.example.com\ncdn.example:8443",
        "launcher": "question",
        "launcher_label": "Ask us",
    }
    refused = alice.post(url, {**form, "color": "#7a7a7a"})
    assert refused.status_code == 200 and "The nearest that passes is" in refused.content.decode()
    refused = alice.post(url, {**form, "image_hosts": "https://images.example.com"})
    assert "is not a host" in refused.content.decode()
    assert alice.post(url, form).status_code == 302
    bot.refresh_from_db()
    assert bot.greeting == "Hello."
    assert bot.appearance == {
        "title": "Ask Ada", "color": "#8a1c4a", "launcher": "question", "launcher_label": "Ask us",
        "image_hosts": ["images.example.com", "cdn.example:8443"],
    }  # fmt: skip
    assert bot.starter_questions == ["When?", "How?"]
    member = log_in_to_admin(bob, "sessionid_acme", SCRIPT_NAME="/t/acme")
    assert member.get(url).status_code == 200 and member.post(url, form).status_code == 403
    assert browser(globex).get(url).status_code == 404
    assert "How it looks" in alice.get(f"/admin/bots/botprofile/{bot.pk}/change/").content.decode()


def test_the_preview_is_the_widget_for_our_own_pages_alone(bot, acme):
    answer = browser(acme).get(f"/admin/bots/botprofile/{bot.pk}/appearance/preview/")
    page, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert "widget.js" in page and "<minirag-widget preview" in page
    # Words of a language are a file of ours, which the widget fetches; of nobody else does it fetch anything.
    assert "frame-ancestors 'self'" in policy and "connect-src 'self'" in policy
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
