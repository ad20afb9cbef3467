"""A bot with a gate: a change is a draft until its golden questions pass, or someone says why not."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.drafts.changing import discard_draft
from bots.models import BotDraft, BotProfile, QualityGate, Scope
from bots.profiles import update_bot
from conversations.gates.passing import judge_draft, order_draft_run, publish
from conversations.golden.changing import create_golden
from conversations.models import EvaluationRun, GoldenQuestion
from conversations.tests.conftest import teach
from conversations.tests.test_curated_turns import curate
from conversations.tests.test_evaluation_runs import RETURNS, WARRANTY, run_bot, work
from knowledge.models import Source
from minirag.lib.errors import Conflict
from tenants.context import tenant_context
from tenants.models import AuditEvent
from tests.admin_sessions import log_in_to_admin

JSON = "application/json"


@pytest.fixture
def bot(acme_bot) -> BotProfile:
    for question, fact in ((WARRANTY, "36 months"), (RETURNS, "30 days")):
        create_golden(acme_bot, {"question": question, "expected_facts": [fact]}, made_by="alice")
    QualityGate.objects.create(bot_profile=acme_bot, least_right=0.5)
    return acme_bot


def measure_draft(bot: BotProfile, model, *said: str) -> EvaluationRun:
    run = order_draft_run(bot, made_by="alice")
    for text in said:
        model.enqueue(text)
    work(run.pk)
    return EvaluationRun.objects.get(pk=run.pk)


def test_a_change_waits_and_the_rest_counts_at_once(bot, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}"
    answer = as_acme.patch(
        url, {"passage_count": 1, "refuses": False, "name": "Rosa"}, content_type=JSON
    ).json()
    assert answer["held_back"] == {"passage_count": 1, "refusal_mode": "open"}
    assert "held_back" not in as_acme.get(url).json()
    bot.refresh_from_db()
    assert (bot.passage_count, bot.refusal_mode, bot.name) == (5, "balanced", "Rosa")
    shown = as_acme.get(f"{url}/draft").json()
    assert (shown["is_passed"], shown["run_id"], shown["changes"]) == (
        False,
        None,
        answer["held_back"],
    )
    assert (
        as_acme.patch(url, {"passage_count": 5, "refuses": True}, content_type=JSON).status_code
        == 200
    )
    assert not BotDraft.objects.exists()  # it is as published again


def test_without_a_gate_nothing_is_held_back(acme_bot):
    update_bot(acme_bot, {"passage_count": 1})
    acme_bot.refresh_from_db()
    assert acme_bot.passage_count == 1 and not BotDraft.objects.exists()


def test_a_draft_that_passes_is_published(bot, as_acme, model):
    update_bot(bot, {"system_prompt": "You are Ada."})
    with pytest.raises(Conflict, match="not been measured"):
        publish(bot)
    run = measure_draft(bot, model, "36 months [1].", "30 days [1].")
    assert run.is_draft and model.requests[-1].messages[0]["content"].startswith("You are Ada.")
    answer = as_acme.post(f"/v1/bot-profiles/{bot.pk}/draft/publish", {}, content_type=JSON)
    assert answer.status_code == 200, answer.content
    bot.refresh_from_db()
    assert bot.system_prompt == "You are Ada." and not BotDraft.objects.exists()


def test_what_is_judged_is_the_bot_as_it_is_when_it_is_published(bot, model):
    known = BotProfile.objects.get(pk=bot.pk)
    BotProfile.objects.filter(pk=bot.pk).update(max_tokens=500)
    bot.refresh_from_db()
    update_bot(bot, {"temperature": 1.0})
    measure_draft(bot, model, "36 months [1].", "30 days [1].")
    assert publish(known).max_tokens == 500


def test_a_draft_is_discarded_by_one_who_waits_for_those_who_publish(bot):
    update_bot(bot, {"temperature": 1.0})
    with CaptureQueriesContext(connection) as asked:
        discard_draft(bot)
    locking = [each["sql"] for each in asked if "FOR NO KEY UPDATE" in each["sql"]]
    assert len(locking) == 1 and not BotDraft.objects.exists()


def test_a_question_that_got_worse_keeps_it_back_unless_someone_says_why(bot, as_acme, model):
    for text in ("36 months [1].", "30 days [1]."):
        model.enqueue(text)
    baseline = run_bot(bot)
    assert baseline.figures["right"] == 1.0
    update_bot(bot, {"temperature": 1.0})
    measure_draft(bot, model, "36 months [1].", "60 days [1].")
    standing = judge_draft(bot)
    assert standing.baseline == baseline and [each.figure for each in standing.failures] == [
        "worse"
    ]
    url = f"/v1/bot-profiles/{bot.pk}/draft/publish"
    refused = as_acme.post(url, {}, content_type=JSON).json()
    assert refused["code"] == "gate_not_passed" and "1 question got worse" in refused["detail"]
    assert (
        as_acme.post(url, {"reason": "The shop changed its terms."}, content_type=JSON).status_code
        == 200
    )
    bot.refresh_from_db()
    assert bot.temperature == 1.0
    event = AuditEvent.objects.filter(action="bot.draft_published").last()
    assert event.detail["reason"] == "The shop changed its terms." and event.detail["run_id"]


def test_a_run_of_another_draft_says_nothing(bot, model):
    update_bot(bot, {"temperature": 1.0})
    measure_draft(bot, model, "36 months [1].", "30 days [1].")
    assert judge_draft(bot).is_passed
    update_bot(bot, {"temperature": 1.5})
    assert not judge_draft(bot).is_passed


def test_a_run_counts_until_something_around_it_changes(bot, acme, as_acme, model):
    """Each change says what it is, and is over once it is taken back or the draft is run again."""
    golden = GoldenQuestion.objects.get(question=RETURNS)
    source = Source.objects.get()
    url = f"/v1/bot-profiles/{bot.pk}/draft"
    update_bot(bot, {"temperature": 1.0})
    measure_draft(bot, model, "36 months [1].", "30 days [1].")
    assert as_acme.get(url).json()["is_passed"]
    for row, field, value, changed in (
        (golden, "expected_facts", ["31 days"], "questions"),
        (golden, "is_active", False, "questions"),
        (source, "is_active", False, "index"),
        (source, "content_hash", "0" * 64, "index"),
        (source, "weight", 2.0, "index"),
    ):
        old = getattr(row, field)
        type(row).objects.filter(pk=row.pk).update(**{field: value})
        told = as_acme.get(url).json()
        assert (told["is_passed"], told["changed"]) == (False, [changed]), field
        type(row).objects.filter(pk=row.pk).update(**{field: old})
        assert as_acme.get(url).json()["changed"] == []
    curate(bot, acme.owner, "What is the return policy?")
    Scope.objects.create(bot_profile=bot, name="No politics", forbidden_topics=["politics"])
    refused = as_acme.post(f"{url}/publish", {}, content_type=JSON).json()
    assert (
        refused["detail"]
        == "Run it again, because this has changed since the last run: curated answers, guardrails."
    )
    measure_draft(bot, model, "36 months [1].", "30 days [1].")
    assert as_acme.post(f"{url}/publish", {}, content_type=JSON).status_code == 200


def test_what_another_tenant_changes_is_no_change(bot, globex, globex_bot, model):
    update_bot(bot, {"temperature": 1.0})
    measure_draft(bot, model, "36 months [1].", "30 days [1].")
    with tenant_context(globex.tenant):
        create_golden(globex_bot, {"question": "When are roses pruned?"}, made_by="gina")
        teach(globex_bot, "Water them.", "Water")
    assert judge_draft(bot).is_passed


def test_a_draft_says_who_changed_it_last(bot, as_acme):
    url = f"/v1/bot-profiles/{bot.pk}"
    as_acme.patch(url, {"passage_count": 1}, content_type=JSON)
    assert as_acme.get(f"{url}/draft").json()["made_by"] == "alice@acme.example.com"


def test_what_is_not_measured_fails(bot, model):
    QualityGate.objects.update(least_right=None, least_support=0.5)
    update_bot(bot, {"temperature": 1.0})
    measure_draft(bot, model, "36 months.", "30 days.")
    assert [each.figure for each in judge_draft(bot).failures] == ["support"]


def test_a_pipeline_is_told_by_the_exit_code(bot, acme, model, capsys, tmp_path):
    more = tmp_path / "more.jsonl"
    more.write_text('{"question": "Is it red?"}\n{"q": 1}\n')
    asked = {"tenant": "acme", "bot": "Helper", "gate": True}
    with tenant_context(None):
        for text in ("36 months [1].", "30 days [1]."):
            model.enqueue(text)
        call_command("evaluate", **asked)
        assert "The gate is passed." in capsys.readouterr().out
        for text in ("1 month [1].", "3 days [1].", "No [1]."):
            model.enqueue(text)
        with pytest.raises(CommandError, match=r"right is 0\."):
            call_command("evaluate", **asked, file=more, show=True)
    said = capsys.readouterr()
    assert (
        "1 golden questions added" in said.out
        and "line 2" in said.err
        and "without 36 months" in said.out
    )


def test_one_page_says_what_is_live_what_waits_and_what_was(bot, acme, bob, globex, model):
    """From draft to live without another page but the questions, and the history beside it."""
    alice = log_in_to_admin(acme.owner, "sessionid_acme", SCRIPT_NAME="/t/acme")
    url = f"/admin/bots/botdraft/of/{bot.pk}/"
    assert "has no gate" not in alice.get(url).content.decode()
    update_bot(bot, {"temperature": 1.0, "system_prompt": "Be <i>kind</i>."})
    page = alice.get(url).content.decode()
    assert "not been measured" in page and "Publish anyway" in page and "&lt;i&gt;kind" in page
    assert (
        "Publishing and history"
        in alice.get(f"/admin/bots/botprofile/{bot.pk}/change/").content.decode()
    )
    run = measure_draft(bot, model, "36 months [1].", "60 days [1].")
    page = alice.get(url).content.decode()
    assert "Passed: it can be published" in page and ">reached<" in page and str(run.pk) in page
    draft = BotDraft.objects.get()
    assert alice.get(f"/admin/bots/botdraft/{draft.pk}/change/").status_code == 200
    member = log_in_to_admin(bob, "sessionid_acme", SCRIPT_NAME="/t/acme").get(url).content.decode()
    assert "Passed" in member and "/publish/" not in member and "bring_back" not in member
    published = alice.post(f"/admin/bots/botdraft/{draft.pk}/publish/", {"reason": "Go."})
    assert published.status_code == 302 and published["Location"].endswith(url)
    page = alice.get(url).content.decode()
    assert "Temperature: 0.2 → 1.0" in page and "Draft that was published" in page and "Go." in page
    assert "bring_back" in page and "version 2" in page
    gina = log_in_to_admin(globex.owner, "sessionid_globex", SCRIPT_NAME="/t/globex")
    assert gina.get(url).status_code == 404


def test_another_tenant_sees_no_gate_and_no_draft(bot, as_globex):
    update_bot(bot, {"temperature": 1.0})
    for path in ("gate", "draft"):
        assert as_globex.get(f"/v1/bot-profiles/{bot.pk}/{path}").status_code == 404
