"""Scopes in a tenant's admin: made from a template, with topics one per line, and warned about."""

from __future__ import annotations

import pytest
from django.urls import reverse

from bots.models import BotProfile, Scope
from tenants.admin_site.sites import tenant_site
from tests.test_admin import alice, browser, member  # noqa: F401 - fixtures

ADD = "/admin/bots/scope/add/"


def form(bot: BotProfile, **changes):
    fields = {
        "bot_profile": str(bot.pk),
        "name": "House",
        "strictness": "moderate",
        "is_active": "on",
    }
    return {**fields, "allowed_topics": "", "forbidden_topics": "", **changes}


@pytest.fixture
def bot(in_acme) -> BotProfile:
    return BotProfile.objects.create(name="Ava")


def test_a_scope_is_made_from_a_template(alice, bot):
    page = alice.get(f"{ADD}?bot_profile={bot.pk}&template=event-desk").content.decode()
    assert (
        "programme and schedule\nspeakers and sessions" in page and "travel of this event" in page
    )
    assert f'<option value="{bot.pk}" selected>' in page
    assert "Product expert" in alice.get(ADD).content.decode()


def test_topics_are_entered_one_per_line_and_warnings_are_shown(alice, bot):
    data = form(
        bot,
        allowed_topics="party politics\r\n\r\n returns \r\nreturns",
        forbidden_topics="politics",
    )
    assert alice.post(ADD, data).status_code == 302
    page = alice.get("/admin/bots/scope/").content.decode()
    scope = Scope.objects.get()
    assert scope.allowed_topics == ["party politics", "returns"] and scope.forbidden_topics == [
        "politics"
    ]
    assert "falls under the forbidden" in page
    assert (
        "falls under the forbidden"
        in alice.get(f"/admin/bots/scope/{scope.pk}/change/").content.decode()
    )
    tab = alice.get(f"/admin/bots/botprofile/{bot.pk}/change/").content.decode()
    assert (
        f"/t/acme/admin/bots/scope/{scope.pk}/change/" in tab and "falls under the forbidden" in tab
    )


@pytest.mark.parametrize("changes", [
    {"allowed_topics": "x" * 201}, {"forbidden_topics": "\n".join(map(str, range(51)))}, {"name": "Taken"},
    {"strictness": "harsh"}, {"max_words": "0"},
])  # fmt: skip
def test_bad_input_is_refused(alice, bot, changes):
    Scope.objects.create(bot_profile=bot, name="Taken")
    assert alice.post(ADD, form(bot, **changes)).status_code == 200
    assert Scope.objects.count() == 1


def test_a_members_look_changes_nothing(member, bot):
    assert member.post(ADD, form(bot)).status_code == 403 and not Scope.objects.exists()
    assert member.get(f"/admin/bots/botprofile/{bot.pk}/change/").status_code == 200


def test_it_is_in_the_sidebar(alice):
    url = reverse("admin:bots_scope_changelist", urlconf="minirag.tenant_urls")
    assert url in alice.get("/admin/").content.decode()
    assert Scope in tenant_site._registry
