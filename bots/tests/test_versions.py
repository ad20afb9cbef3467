"""What a bot was set to before: kept at every change, compared, brought back."""

from __future__ import annotations

import pytest
from django.test import Client

from bots.drafts.changing import find_draft
from bots.models import BotDraft, BotProfile, BotVersion, CameFrom, QualityGate, Scope
from bots.profiles import create_bot, update_bot
from bots.providers.changing import forget_key, keep_key
from bots.versions import keeping
from bots.versions.telling import compare_configurations
from minirag.ai.credentials import Credentials
from tenants.context import tenant_context
from tenants.models import AuditEvent
from tests.admin_sessions import form_of_bot, log_in_to_admin

JSON = "application/json"
KEY = "sk-that-nobody-keeps-0123456789"


@pytest.fixture
def bot(acme):
    with tenant_context(acme.tenant):
        yield create_bot(
            {"name": "Ava", "system_prompt": "Be kind.\nBe brief.", "temperature": 0.2},
            credentials=Credentials(api_key=KEY),
        )


def browser(party):
    return log_in_to_admin(party.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")


def list_versions(bot):
    return list(BotVersion.objects.filter(bot_profile=bot).order_by("number"))


def test_every_way_to_change_a_bot_keeps_one_version(bot, acme, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}"
    as_acme.patch(
        url, {"temperature": 0.7, "system_prompt": "Be kind.\nBe long."}, content_type=JSON
    )
    as_acme.patch(url, {"temperature": 0.7}, content_type=JSON)  # nothing changes
    as_acme.patch(f"{url}/settings", {"greeting": "Hello."}, content_type=JSON)
    key = keep_key("House", "anthropic", KEY)
    as_acme.put(f"{url}/providers", {"provider_ids": [str(key.pk)]}, content_type=JSON)
    as_acme.delete(url)  # a switch is no configuration
    found = list_versions(bot)
    assert [(each.number, each.came_from, each.changed) for each in found] == [
        (1, "command", []),
        (2, "api", ["system_prompt", "temperature"]),
        (3, "api", ["greeting"]),
        (4, "api", ["provider_keys"]),
    ]
    assert {each.made_by for each in found[1:]} == {acme.owner.email}
    assert not [each for each in found if KEY in str(each.configuration)]
    assert found[-1].configuration["own_key"] is True


def test_a_form_makes_one_version_of_all_that_it_saves(bot, acme):
    key = keep_key("House", "anthropic", KEY)
    client = browser(acme)
    form = form_of_bot(client, bot, name="Eva", provider_keys=[str(key.pk)])
    answer = client.post(f"/admin/bots/botprofile/{bot.pk}/change/", form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    last = list_versions(bot)[-1]
    assert (last.number, last.came_from, last.changed) == (2, "form", ["name", "provider_keys"])
    assert last.made_by == acme.owner.email


def test_a_bot_from_before_there_were_versions_keeps_what_it_was(acme):
    with tenant_context(acme.tenant):
        bot = BotProfile.objects.create(name="Old", temperature=0.1)
        update_bot(bot, {"temperature": 0.9})
        first, second = list_versions(bot)
    assert (first.came_from, first.configuration["temperature"]) == (CameFrom.BEFORE, 0.1)
    assert (second.number, second.changed) == (2, ["temperature"])


def test_a_setting_that_is_younger_than_a_version_is_told_from_its_default(bot):
    [first] = list_versions(bot)
    del first.configuration["appearance"]
    first.save()
    update_bot(bot, {"appearance": {"position": "left"}})
    assert list_versions(bot)[-1].changed == ["appearance"]
    [change] = compare_configurations(first.configuration, list_versions(bot)[-1].configuration)
    assert change.in_words == "Appearance: the widget’s own → Place: Left"


def test_the_oldest_go(bot, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_VERSIONS", 3)
    for number in range(5):
        update_bot(bot, {"max_tokens": 100 + number})
    assert [each.number for each in list_versions(bot)] == [4, 5, 6]


def test_versions_are_listed_compared_and_brought_back(bot, as_acme, as_globex):
    update_bot(
        bot, {"system_prompt": "Be kind.\nBe long.", "model": "openai/gpt-4o", "name": "Eva"}
    )
    update_bot(bot, {"unsupported_mode": "drop"})
    url = f"/v1/bot-profiles/{bot.pk}/versions"
    listed = as_acme.get(url).json()["items"]
    assert [each["number"] for each in listed] == [3, 2, 1]
    first = f"{url}/{listed[-1]['id']}"
    assert as_acme.get(first).json()["configuration"]["temperature"] == 0.2
    told = as_acme.get(f"{first}/comparison").json()
    changes = {each["name"]: each for each in told["changes"]}
    assert (told["before"], told["after"], list(changes)) == (
        1, None, ["unsupported_mode", "name", "model", "system_prompt"],
    )  # fmt: skip
    assert changes["unsupported_mode"]["after"] == "Is left out of the answer"
    assert (changes["system_prompt"]["text"]["added"], changes["model"]["label"]) == (
        1,
        "Chat model",
    )
    near = as_acme.get(f"{first}/comparison?other_id={listed[1]['id']}").json()
    assert near["after"] == 2 and "unsupported_mode" not in str(near)
    answer = as_acme.post(f"{first}/roll-back", {"reason": "Too long."}, content_type=JSON).json()
    assert (answer["number"], answer["held_back"], len(answer["changes"])) == (4, {}, 4)
    bot.refresh_from_db()
    assert (bot.name, bot.system_prompt) == ("Ava", "Be kind.\nBe brief.")
    newest = list_versions(bot)[-1]
    assert (newest.came_from, newest.restored_number, newest.note) == ("roll_back", 1, "Too long.")
    assert AuditEvent.objects.filter(action="bot.rolled_back").count() == 1
    for path in (url, first, f"{first}/comparison"):
        assert as_globex.get(path).status_code == 404
    assert as_globex.post(f"{first}/roll-back", {}, content_type=JSON).status_code == 404


def test_a_version_of_another_bot_is_none_of_this_one(bot, as_acme):
    other = create_bot({"name": "Mia"})
    [theirs] = list_versions(other)
    url = f"/v1/bot-profiles/{bot.pk}/versions/{theirs.pk}"
    assert as_acme.get(url).status_code == 404
    assert as_acme.post(f"{url}/roll-back", {}, content_type=JSON).status_code == 404


def test_what_cannot_come_back_is_said_and_the_rest_comes(bot, as_acme):
    key = keep_key("House", "anthropic", KEY)
    url = f"/v1/bot-profiles/{bot.pk}"
    gone = "00000000-0000-4000-8000-000000000001"
    fields = {
        "model": "anthropic/claude-x",
        "source_filter": {"dataset_ids": [gone]},
        "embedding_model": "minirag/hash",
    }
    as_acme.patch(url, fields, content_type=JSON)
    as_acme.put(f"{url}/providers", {"provider_ids": [str(key.pk)]}, content_type=JSON)
    wanted = list_versions(bot)[-1]
    as_acme.put(f"{url}/providers", {"provider_ids": []}, content_type=JSON)
    later = {
        "model": "minirag/extractive",
        "source_filter": {},
        "credentials": {},
        "embedding_model": None,
    }
    as_acme.patch(url, later, content_type=JSON)
    forget_key(key.pk)
    answer = as_acme.post(f"{url}/versions/{wanted.pk}/roll-back", {}, content_type=JSON).json()
    told = "\n".join(answer["cannot_come_back"])
    for said in (
        "“House” is deleted",
        "API key of its own",
        "anthropic/claude-x",
        gone,
        "embedded anew",
    ):
        assert said in told
    bot.refresh_from_db()
    assert (bot.model, bot.has_credentials, bot.source_filter) == (
        "anthropic/claude-x", False, {"dataset_ids": [gone]},
    )  # fmt: skip


def test_a_roll_back_goes_through_the_gate_and_replaces_the_draft(bot, as_acme):
    update_bot(bot, {"temperature": 0.9, "greeting": "Hi."})
    QualityGate.objects.create(bot_profile=bot)
    update_bot(bot, {"max_tokens": 7})
    first = list_versions(bot)[0]
    url = f"/v1/bot-profiles/{bot.pk}/versions/{first.pk}/roll-back"
    answer = as_acme.post(url, {}, content_type=JSON).json()
    assert answer["held_back"] == {"temperature": 0.2} == find_draft(bot).changes
    bot.refresh_from_db()
    assert (bot.temperature, bot.greeting) == (0.9, "")
    live = list_versions(bot)[-1]
    as_acme.post(url.replace(str(first.pk), str(live.pk)), {}, content_type=JSON)
    assert not BotDraft.objects.exists()  # what is live needs none


def test_a_version_that_no_bot_may_have_any_more_is_refused(bot, as_acme):
    [version] = list_versions(bot)
    version.configuration["max_tokens"] = 10**9
    version.save()
    answer = as_acme.post(
        f"/v1/bot-profiles/{bot.pk}/versions/{version.pk}/roll-back", {}, content_type=JSON
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "version_unusable")


def test_the_admin_shows_compares_and_rolls_back(bot, acme):
    update_bot(bot, {"system_prompt": "Be <b>kind</b>.\nBe long.", "temperature": 0.5})
    first, second = list_versions(bot)
    client: Client = browser(acme)
    listed = client.get("/admin/bots/botversion/").content.decode()
    assert "Temperature: 0.2 → 0.5" in listed and "System prompt: 2 lines added" in listed
    page = client.get(f"/admin/bots/botversion/{second.pk}/change/").content.decode()
    assert "What it changed" in page and "<mark>&lt;" in page and "<b>kind" not in page
    live = client.get(f"/admin/bots/botversion/{first.pk}/change/?with=live").content.decode()
    assert "What became of it until now" in live
    url = f"/admin/bots/botversion/{first.pk}/bring_back/"
    assert "Temperature: 0.5 → 0.2" in client.get(url).content.decode()
    assert client.post(url, {"reason": "Too warm."}).status_code == 302
    bot.refresh_from_db()
    assert bot.temperature == 0.2 and list_versions(bot)[-1].made_by == acme.owner.email


def test_scopes_are_part_of_a_version_and_come_back_with_it(bot, acme, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}"
    made = as_acme.post(
        f"{url}/scopes", {"name": "Support", "forbidden_topics": ["politics"]}, content_type=JSON
    ).json()
    as_acme.patch(
        f"{url}/scopes/{made['id']}", {"forbidden_topics": ["politics", "sport"], "strictness": "strict"},
        content_type=JSON,
    )  # fmt: skip
    client = browser(acme)
    scope = Scope.objects.get()
    form = {
        "bot_profile": bot.pk,
        "name": "Sales",
        "strictness": "lenient",
        "allowed_topics": "prices",
    }
    assert client.post("/admin/bots/scope/add/", form).status_code == 302
    client.post(f"/admin/bots/scope/{scope.pk}/delete/", {"post": "yes"})
    found = list_versions(bot)
    assert [(each.came_from, each.changed) for each in found] == [
        ("command", []), ("api", ["scopes"]), ("api", ["scopes"]), ("form", ["scopes"]), ("form", ["scopes"]),
    ]  # fmt: skip
    told = as_acme.get(f"{url}/versions/{found[1].pk}/comparison?other_id={found[2].pk}").json()
    [change] = told["changes"]
    assert (
        change["label"] == "Scopes"
        and "sport" in change["after"]
        and "sport" not in change["before"]
    )
    as_of = keeping.as_of_version(bot, 3)
    assert [(each.name, each.forbidden_topics) for each in as_of.active_scopes] == [
        ("Support", ["politics", "sport"])
    ]
    answer = as_acme.post(f"{url}/versions/{found[2].pk}/roll-back", {}, content_type=JSON)
    assert answer.status_code == 200, answer.json()
    [back] = Scope.objects.filter(bot_profile=bot)
    assert (back.name, back.strictness, back.forbidden_topics) == (
        "Support",
        "strict",
        ["politics", "sport"],
    )
    assert list_versions(bot)[-1].changed == ["scopes"]
    assert AuditEvent.objects.filter(action="scope.deleted").count() == 2


def test_a_version_from_before_scopes_were_kept_leaves_them_as_they_are(bot, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}"
    first = list_versions(bot)[0]
    del first.configuration["scopes"]
    first.save()
    as_acme.post(f"{url}/scopes", {"name": "Support"}, content_type=JSON)
    as_acme.patch(url, {"temperature": 0.9}, content_type=JSON)
    second, third = list_versions(bot)[1:]
    assert (second.changed, third.changed) == ([], ["temperature"])
    told = as_acme.post(f"{url}/versions/{first.pk}/roll-back", {}, content_type=JSON).json()
    assert [each["name"] for each in told["changes"]] == ["temperature"]
    assert Scope.objects.filter(bot_profile=bot, name="Support").exists()
