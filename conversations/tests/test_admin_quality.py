"""The admin's pages of quality: limits that hold there as they do in the API, and acts that fit a row's state."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from bots.models import BotProfile
from bots.profiles import create_bot
from conversations.evaluating.running import order_run
from conversations.gaps.grouping import group_gaps
from conversations.golden import changing
from conversations.golden.changing import create_golden
from conversations.models import EvaluationRun, Gap, GoldenQuestion, RunStatus
from conversations.tests.test_turns import take
from knowledge.curated import changing as curated_changing
from knowledge.models import CuratedAnswer, Source
from tenants.models import ApiToken

LINK = re.compile(r'href="[^"]*/(cancel|retry|remove|dismiss|reopen|draft|answer|ingest)/"')


@pytest.fixture
def alice(acme, in_acme) -> Client:
    client = Client(SCRIPT_NAME="/t/acme")
    said = {"username": acme.owner.email, "password": "correct horse battery"}
    assert client.post("/admin/login/", said).status_code == 302
    return client


def acts_on(alice: Client, path: str) -> set[str]:
    return set(LINK.findall(alice.get(path).content.decode()))


def test_a_bot_has_only_so_many_golden_questions_in_the_form_too(alice, acme_bot, monkeypatch):
    monkeypatch.setattr(changing, "MOST_QUESTIONS", 1)
    url = "/admin/conversations/goldenquestion/"
    for question, status in (("Is it red?", 302), ("Is it blue?", 200)):
        answer = alice.post(f"{url}add/", {"bot_profile": str(acme_bot.pk), "question": question})
        assert answer.status_code == status, answer.content.decode()[:3000]
    assert "at most 1 golden questions" in answer.content.decode()
    [kept] = GoldenQuestion.objects.all()
    changed = alice.post(f"{url}{kept.pk}/change/", {"question": "Is it green?"})
    assert changed.status_code == 302  # one that is there may change


def test_a_source_that_is_expected_by_its_id_is_told_by_its_name_and_stays_the_one(alice, acme_bot):
    source = acme_bot.sources.get()
    gone = "00000000-0000-4000-8000-000000000000"
    kept = create_golden(
        acme_bot, {"question": "Is it red?", "expected_sources": [str(source.pk), gone, "Prices"]}, made_by=""
    )  # fmt: skip
    url = f"/admin/conversations/goldenquestion/{kept.pk}/change/"
    page = alice.get(url).content.decode()
    assert f"{source.name}\n{gone}\nPrices</textarea>" in page and str(source.pk) not in page
    said = {"question": "Is it red?", "expected_sources": f"{source.name}\r\nPrices"}
    assert alice.post(url, said).status_code == 302
    kept.refresh_from_db()
    assert kept.expected_sources == [str(source.pk), "Prices"]
    listed = alice.get("/admin/conversations/goldenquestion/", HTTP_ACCEPT_LANGUAGE="de")
    assert "beantwortet mit 2 Quellen" in listed.content.decode()


def test_what_has_no_name_is_told_by_its_id_so_that_it_can_be_opened(alice, acme_bot):
    """The API lets bots and sources have none."""
    source = acme_bot.sources.get()
    BotProfile.objects.update(name="  ")
    Source.objects.update(name="")
    for path, row in (("bots/botprofile/", acme_bot), ("knowledge/source/", source)):
        page = re.sub(r"\s+", " ", alice.get(f"/admin/{path}").content.decode())
        assert re.search(rf"> ?{row.pk} ?<", page), path


def test_the_bot_of_a_token_is_chosen_by_its_name(alice, acme, acme_bot, globex_bot):
    url = "/admin/tenants/apitoken/add/"
    assert "The only one that it may ask" in alice.get(url).content.decode()
    for bot, names in ((acme_bot, ["site"]), (globex_bot, ["site"])):
        alice.post(url, {"name": "site", "user": str(acme.owner.pk), "bot_profile_id": str(bot.pk)})
        made = ApiToken.objects.filter(user=acme.owner, bot_profile_id__isnull=False)
        assert [token.name for token in made] == names
        assert made.get().bot_profile_id == acme_bot.pk


def test_what_only_a_button_does_says_so_to_whoever_looks_at_it(alice, acme_bot):
    url = f"/admin/bots/botdraft/try/{acme_bot.pk}/"
    page = alice.get(url, HTTP_ACCEPT="text/html")
    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert (
        "press it again" in page.content.decode()
        and 'href="/t/acme/admin/"' in page.content.decode()
    )
    assert alice.get(url).content == b""


def test_a_text_that_is_only_looked_at_keeps_its_lines(alice, acme_bot):
    chunk = acme_bot.sources.get().documents.get().chunks.first()
    chunk.content = "One & <b>.\nTwo."
    chunk.save(update_fields=["content"])
    page = alice.get(f"/admin/knowledge/chunk/{chunk.pk}/change/").content.decode()
    assert "One &amp; &lt;b&gt;.<br>Two." in page


def test_a_tenant_has_only_so_many_curated_answers_in_the_form_too(
    alice, acme, acme_bot, monkeypatch
):
    monkeypatch.setattr(curated_changing, "MOST_ANSWERS", 0)
    said = {
        "bots": [str(acme_bot.pk)], "question": "Is it red?", "answer": "Yes.", "owner": str(acme.owner.pk),
    }  # fmt: skip
    answer = alice.post("/admin/knowledge/curatedanswer/add/", said)
    assert answer.status_code == 200 and "at most 0 curated answers" in answer.content.decode()
    assert not CuratedAnswer.objects.exists()


def test_nobody_has_to_choose_the_only_bot_for_a_run(alice, acme_bot):
    page = "/admin/conversations/evaluationrun/order/"
    chosen = f'<option value="{acme_bot.pk}" selected'
    assert chosen in alice.get(page).content.decode()
    create_bot({"name": "Otto"})
    assert chosen not in alice.get(page).content.decode()


def test_a_run_offers_what_its_state_allows(alice, acme_bot):
    create_golden(acme_bot, {"question": "Is it red?"}, made_by="alice")
    run = order_run(acme_bot, made_by="alice")
    url = f"/admin/conversations/evaluationrun/{run.pk}/change/"
    for status, acts in (
        (RunStatus.PENDING, {"cancel", "remove"}),
        (RunStatus.RUNNING, {"cancel", "remove"}),
        (RunStatus.SUCCEEDED, {"remove"}),
        (RunStatus.FAILED, {"retry", "remove"}),
        (RunStatus.CANCELLED, {"retry", "remove"}),
    ):
        EvaluationRun.objects.update(status=status)
        assert acts_on(alice, url) == acts, status


def test_a_gap_and_a_source_offer_what_their_state_allows(alice, acme_bot):
    source = Source.objects.get()
    url = f"/admin/knowledge/source/{source.pk}/change/"
    assert acts_on(alice, url) == {"ingest"}
    Source.objects.update(status="processing")
    assert acts_on(alice, url) == {"ingest", "cancel"}
    take(acme_bot, "Does the hotel have a swimming pool?")
    group_gaps()
    url = f"/admin/conversations/gap/{Gap.objects.get().pk}/change/"
    assert acts_on(alice, url) == {"answer", "draft", "dismiss"}
    Gap.objects.update(state="dismissed")
    assert acts_on(alice, url) == {"answer", "draft", "reopen"}
