"""Shared datasets and handoff rules in a bot's versions, and whether what is live is what was measured."""

from __future__ import annotations

import pytest

from bots.models import BotProfile, BotVersion, QualityGate
from conversations.golden.changing import create_golden
from conversations.handoffs.rules import set_rules
from conversations.models import HandoffRules
from conversations.tests.test_curated_turns import curate
from conversations.tests.test_evaluation_runs import RETURNS, run_bot
from knowledge.datasets.changing import create_dataset, delete_dataset, link_bot
from knowledge.models import BotDataset, Dataset
from tenants.context import tenant_context
from tenants.models import Plan
from tests.admin_sessions import log_in_to_admin

JSON = "application/json"


@pytest.fixture
def bot(acme_bot) -> BotProfile:
    return acme_bot


def share(bot: BotProfile, name: str) -> Dataset:
    return create_dataset({"name": name, "embedding_model": bot.effective_embedding_model})


def versions(bot: BotProfile) -> list[BotVersion]:
    return list(BotVersion.objects.filter(bot_profile=bot).order_by("number"))


def roll_back(client, bot: BotProfile, version: BotVersion) -> dict:
    url = f"/v1/bot-profiles/{bot.pk}/versions/{version.pk}"
    answer = client.post(f"{url}/roll-back", {}, content_type=JSON)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def lost_datasets(told: dict) -> list[str]:
    return [each for each in told["cannot_come_back"] if "dataset" in each]


def links_of(bot: BotProfile) -> list[tuple[str, int, bool]]:
    rows = BotDataset.objects.filter(bot_profile=bot).order_by("priority")
    return list(rows.values_list("dataset__name", "priority", "is_active"))


def test_shared_datasets_are_part_of_a_version_and_come_back_with_it(
    bot, as_acme, globex, globex_bot
):
    prices, hours = (share(bot, name) for name in ("Prices", "Hours"))
    at = f"/v1/datasets/{prices.pk}/bots"
    as_acme.post(at, {"bot_profile_id": str(bot.pk), "priority": 2}, content_type=JSON)
    as_acme.patch(f"{at}/{bot.pk}", {"is_active": False}, content_type=JSON)
    wanted = [{"dataset_id": str(hours.pk)}]
    as_acme.put(f"/v1/bot-profiles/{bot.pk}/datasets", {"datasets": wanted}, content_type=JSON)
    as_acme.delete(f"/v1/datasets/{hours.pk}/bots/{bot.pk}")
    found = versions(bot)
    assert [each.changed for each in found] == [[], *[["datasets"]] * 4]
    url = f"/v1/bot-profiles/{bot.pk}/versions"
    told = as_acme.get(f"{url}/{found[1].pk}/comparison?other_id={found[2].pk}").json()
    [change] = told["changes"]
    assert change["label"] == "Shared datasets"
    assert (change["before"], change["after"]) == (
        "Prices, priority 2", "Prices, priority 2 (inactive)",
    )  # fmt: skip
    back = roll_back(as_acme, bot, found[2])
    assert not lost_datasets(back) and links_of(bot) == [("Prices", 2, False)]
    assert versions(bot)[-1].changed == ["datasets"]
    assert not BotDataset.objects.exclude(bot_profile=bot).exists()
    with tenant_context(globex.tenant):
        assert not BotDataset.objects.exists()


def test_a_dataset_that_is_gone_or_embedded_otherwise_is_named_and_the_rest_comes(bot, as_acme):
    gone, other, kept = (share(bot, name) for name in ("Gone", "Other", "Kept"))
    for dataset in (gone, other, kept):
        link_bot(dataset.pk, bot.pk)
    with_all = versions(bot)[-1]
    delete_dataset(gone.pk, force=True)
    assert versions(bot)[-1].changed == ["datasets"], "its deletion is a change of the bot"
    as_acme.put(f"/v1/bot-profiles/{bot.pk}/datasets", {"datasets": []}, content_type=JSON)
    type(other).objects.filter(pk=other.pk).update(embedding_model="text-embedding-3-small")
    url = f"/v1/bot-profiles/{bot.pk}/versions/{with_all.pk}"
    said = lost_datasets(as_acme.get(url).json())
    assert said == [
        "The dataset “Gone” is deleted.", "The dataset “Other” is embedded with another model.",
    ]  # fmt: skip
    assert lost_datasets(roll_back(as_acme, bot, with_all)) == said
    assert links_of(bot) == [("Kept", 1, True)]
    renamed = len(versions(bot))
    as_acme.patch(f"/v1/datasets/{kept.pk}", {"name": "Renamed"}, content_type=JSON)
    as_acme.patch(f"/v1/bot-profiles/{bot.pk}", {"description": "x"}, content_type=JSON)
    assert versions(bot)[renamed].changed == ["description"], "a dataset's name is no change of it"


def test_a_dataset_that_the_bot_has_stays_though_it_is_embedded_otherwise_by_now(bot, as_acme):
    old = share(bot, "Old")
    link_bot(old.pk, bot.pk)
    with_it = versions(bot)[-1]
    type(old).objects.filter(pk=old.pk).update(embedding_model="text-embedding-3-small")
    as_acme.patch(f"/v1/bot-profiles/{bot.pk}", {"description": "x"}, content_type=JSON)
    assert not lost_datasets(roll_back(as_acme, bot, with_it))
    assert links_of(bot) == [("Old", 1, True)]


def test_handoff_rules_are_part_of_a_version_by_api_and_form(bot, acme, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}/handoff-rules"
    hours = {"mon": [["09:00", "17:00"]]}
    as_acme.put(url, {"on_disliked": True, "hours": hours}, content_type=JSON)
    client = log_in_to_admin(acme.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")
    page = f"/admin/conversations/handoffrules/{HandoffRules.objects.get().pk}"
    form = {"is_offered": "on", "on_declined_twice": "on", "hours": "tue 10:00-11:00"}
    assert client.post(f"{page}/change/", form).status_code == 302
    assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    found = versions(bot)
    assert [(each.came_from, each.changed) for each in found[1:]] == [
        (way, ["handoff_rules"]) for way in ("api", "form", "form")
    ]
    told = as_acme.get(
        f"/v1/bot-profiles/{bot.pk}/versions/{found[1].pk}/comparison?other_id={found[2].pk}"
    ).json()["changes"][0]
    assert "mon 09:00-17:00" in told["before"] and "tue 10:00-11:00" in told["after"]
    roll_back(as_acme, bot, found[1])
    rules = HandoffRules.objects.get(bot_profile=bot)
    assert (rules.on_disliked, rules.hours) == (True, hours)
    roll_back(as_acme, bot, found[0])
    assert not HandoffRules.objects.exists(), "it had none then"


def test_rules_stay_out_where_the_plan_has_nobody_who_answers(bot, acme, as_acme):
    set_rules(bot, {"on_wish": False})
    with_rules = versions(bot)[-1]
    HandoffRules.objects.all().delete()
    with tenant_context(None):
        Plan.objects.create(key=acme.tenant.plan, name="Small", features=[])
    back = roll_back(as_acme, bot, with_rules)
    assert "so these rules stay out" in back["cannot_come_back"][-1]
    assert not HandoffRules.objects.exists()


def test_what_counts_at_once_is_told_beside_what_was_measured(bot, acme, as_acme, model):
    create_golden(bot, {"question": RETURNS, "expected_facts": ["30 days"]}, made_by="alice")
    QualityGate.objects.create(bot_profile=bot, least_right=0.5)
    url = f"/v1/bot-profiles/{bot.pk}/gate"
    client = log_in_to_admin(acme.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")
    page = f"/admin/bots/botdraft/of/{bot.pk}/"

    def look() -> tuple[object, list[str], str]:
        told = as_acme.get(url).json()
        return told["run_id"], told["changed"], client.get(page).content.decode()

    run_id, changed, html = look()
    assert (run_id, changed) == (None, []) and "was never measured" in html
    model.enqueue("30 days [1].")
    run = run_bot(bot)
    run_id, changed, html = look()
    assert (run_id, changed) == (str(run.pk), []) and "has changed since." in html
    curate(bot, acme.owner)
    _run, changed, html = look()
    assert changed == ["curated"] and "counts at once: curated answers" in html
    assert f"order_new/?bot_profile__id__exact={bot.pk}" in html or "Measure what is live" in html
    german = client.get(page, HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert "was sofort gilt: Redaktionsantworten" in german
    link_bot(share(bot, "Empty").pk, bot.pk)
    assert look()[1] == ["curated"], "an empty dataset answers nothing"
