"""An evaluation run: ordered, asked question by question, killed and gone on with, compared."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync

from bots.models import BotProfile, Quota, UsageEvent
from conversations.evaluating import running
from conversations.evaluating.rehearsing import rehearse
from conversations.evaluating.running import carry_out, claim_run, order_run
from conversations.golden.changing import create_golden, delete_golden
from conversations.models import Chat, EvaluationResult, EvaluationRun, GoldenQuestion, Message
from conversations.tasks import sweep_evaluations
from knowledge.models import Source
from knowledge.sources.changing import delete_source
from minirag.lib.errors import BadInput, Conflict, ProviderError
from tenants.context import tenant_context
from tests.fakes.chat_model import provider_down
from webhooks.models import Delivery, Webhook

WARRANTY = "How many months of warranty does the Aeris One have?"
RETURNS = "Within how many days may unused devices be sent back?"
STRANGE = "Who won the tennis match in Paris?"


@pytest.fixture
def questions(acme_bot) -> list[GoldenQuestion]:
    rows = [
        {"question": WARRANTY, "expected_facts": ["36 months"], "expected_sources": ["facts"], "tags": ["warranty"]},
        {"question": RETURNS, "expected_facts": ["30 days"], "forbidden_facts": ["60 days"]},
        {"question": STRANGE, "must_decline": True},
    ]  # fmt: skip
    return [create_golden(acme_bot, row, made_by="alice") for row in rows]


def work(run_id: object) -> None:
    """Do what a worker does with a message."""
    run = claim_run(UUID(str(run_id)))
    if run is not None:
        carry_out(run)


def run_bot(bot: BotProfile, **facts) -> EvaluationRun:
    run = order_run(bot, made_by="alice", **facts)
    work(run.pk)
    run.refresh_from_db()
    return run


def test_a_run_asks_each_question_and_keeps_only_what_it_measured(acme_bot, questions, model):
    Webhook.objects.create(url="https://hooks.example.com/in", events=["chat.message"])
    model.enqueue("It is covered for 36 months [1].")
    model.enqueue("Within 60 days [1].")
    run = run_bot(acme_bot)
    assert (run.status, run.questions_done, run.questions_total) == ("succeeded", 3, 3), (
        run.error_message
    )
    right = dict(run.results.values_list("question", "is_right"))
    assert right == {WARRANTY: True, RETURNS: False, STRANGE: True}
    figures = run.figures
    assert (figures["right"], figures["declined_right"], figures["facts"]) == (0.6667, 1.0, 0.5)
    assert (figures["cites_expected"], figures["reciprocal_rank"], figures["citation_valid"]) == (
        1.0,
        1.0,
        1.0,
    )
    assert run.configuration["passage_count"] == 5 and run.surroundings["version"]
    wrong = run.results.get(question=RETURNS).measures
    assert (wrong["missing_facts"], wrong["forbidden_facts"]) == (["30 days"], ["60 days"])
    assert (
        not Chat.objects.exists() and not Message.objects.exists() and not Delivery.objects.exists()
    )
    kinds = set(UsageEvent.objects.filter(source_id=None).values_list("kind", flat=True))
    assert kinds == {"evaluation"}


def test_what_is_for_a_group_is_tested_by_asking_as_one_of_it(acme_bot, model):
    Source.objects.filter(dataset=acme_bot.sources.get().dataset).update(groups=["staff"])
    row = {"question": WARRANTY, "expected_facts": ["36 months"], "expected_sources": ["facts"]}
    anybody = create_golden(acme_bot, {"question": WARRANTY, "must_decline": True}, made_by="alice")
    staff = create_golden(acme_bot, row | {"groups": [" Staff"]}, made_by="alice")
    assert staff.groups == ["staff"] and staff.name_hash != anybody.name_hash
    with pytest.raises(Conflict):
        create_golden(acme_bot, row | {"groups": ["STAFF"]}, made_by="alice")
    with pytest.raises(BadInput):
        create_golden(acme_bot, row | {"groups": ["everybody"]}, made_by="alice")
    model.enqueue("It is covered for 36 months [1].")
    run = run_bot(acme_bot)
    found = {tuple(each.measures["groups"]): each for each in run.results.all()}
    assert found["staff",].is_right and found["staff",].measures["sources_gone"] == []
    assert found[()].is_right and found[()].outcome == "refused", (
        "who is in no group hears nothing of it"
    )
    before = run.surroundings["index"]
    Source.objects.filter(groups=["staff"]).update(content_hash="another")
    assert order_run(acme_bot, made_by="alice").surroundings["index"] != before


def test_one_tag_alone(acme_bot, questions, model):
    model.enqueue("36 months [1].")
    assert run_bot(acme_bot, tag="warranty").questions_total == 1
    with pytest.raises(BadInput):
        order_run(acme_bot, made_by="alice", tag="nothing")


def test_it_answers_by_the_configuration_it_was_ordered_with(acme_bot, questions, model):
    run = order_run(acme_bot, made_by="alice", tag="warranty")
    BotProfile.objects.filter(pk=acme_bot.pk).update(system_prompt="Be rude.")
    model.enqueue("36 months [1].")
    work(run.pk)
    assert not model.requests[-1].messages[0]["content"].startswith("Be rude.")


def test_a_killed_worker_loses_one_question_and_another_goes_on(
    acme_bot, questions, model, monkeypatch
):
    run = order_run(acme_bot, made_by="alice")
    held = claim_run(run.pk)
    model.enqueue("36 months [1].")
    kept, store = [], running._store

    def die_after_one(*given):
        if kept:
            raise SystemExit
        kept.append(store(*given))

    monkeypatch.setattr(running, "_store", die_after_one)
    model.enqueue("30 days [1].")
    with pytest.raises(SystemExit):
        carry_out(held)
    assert run.results.count() == 1
    monkeypatch.undo()
    model.take_over(monkeypatch)
    EvaluationRun.objects.update(heartbeat_at=run.created_at.replace(year=2020))
    assert sweep_evaluations() == 1
    model.enqueue("30 days [1].")
    work(run.pk)
    run.refresh_from_db()
    assert (run.status, run.results.count(), run.figures["right"]) == ("succeeded", 3, 1.0)


def test_a_slice_gives_the_run_back_and_the_next_goes_on(acme_bot, questions, model):
    run = order_run(acme_bot, made_by="alice")
    carry_out(claim_run(run.pk), seconds=-1)
    run.refresh_from_db()
    assert (run.status, run.questions_done) == ("pending", 0)


def test_what_goes_during_a_run_hurts_nobody(acme_bot, questions, model):
    """A golden question is deleted, an expected source, the bot itself."""
    delete_source(Source.objects.get().pk)
    acme_bot.golden_questions.filter(must_decline=True).delete()
    run = order_run(acme_bot, made_by="alice")
    delete_golden(acme_bot.golden_questions.get(question=RETURNS))
    work(run.pk)
    run.refresh_from_db()
    assert (run.status, run.figures["sources_gone"], run.figures["ndcg"]) == ("succeeded", 1, None)
    other = order_run(acme_bot, made_by="alice")
    held = claim_run(other.pk)
    acme_bot.delete()
    carry_out(held)
    assert not EvaluationRun.objects.exists() and not EvaluationResult.objects.exists()


def test_a_question_that_is_made_anew_while_it_is_asked_is_kept_by_its_words(acme_bot, questions):
    held, asked = claim_run(order_run(acme_bot, made_by="alice").pk), questions[0]
    result = EvaluationResult(
        run=held, golden_question=asked, name_hash=asked.name_hash, question=asked.question,
        outcome="answered", is_right=True,
    )  # fmt: skip
    GoldenQuestion.objects.filter(pk=asked.pk).delete()
    create_golden(acme_bot, {"question": asked.question}, made_by="alice")
    running._store(held, result, 1)
    assert EvaluationResult.objects.get().golden_question_id is None


def test_a_quota_that_is_used_up_ends_the_run_and_keeps_what_it_has(acme_bot, questions, model):
    Quota.objects.create(subject="tenant", resource="messages", period="day", limit=1)
    model.enqueue("36 months [1].")
    run = run_bot(acme_bot)
    assert (run.status, run.error_code, run.results.count()) == ("failed", "quota_exceeded", 1)


def test_a_provider_that_fails_is_a_wrong_answer_and_the_run_goes_on(acme_bot, questions, model):
    model.enqueue(provider_down())
    model.enqueue("30 days [1].")
    run = run_bot(acme_bot)
    assert (run.status, run.figures["failed"], run.figures["right"]) == ("succeeded", 1, 0.6667)


def test_a_judge_says_what_it_thinks_and_is_metered(acme_bot, questions, model):
    model.enqueue("36 months [1].")
    model.enqueue('{"right": false, "why": "It names no device."}')
    run = run_bot(acme_bot, tag="warranty", judge_model="openai/gpt-judge")
    result = run.results.get()
    assert (result.is_right, result.measures["judged_right"]) == (True, False), result.measures
    assert result.measures["judge"] == "It names no device."
    assert "36 months" in model.requests[-1].messages[1]["content"]
    assert UsageEvent.objects.filter(kind="evaluation", model="openai/gpt-judge").exists()
    model.enqueue("36 months [1].")
    offline = run_bot(acme_bot, tag="warranty", judge_model="minirag/extractive")
    assert (offline.figures["judged_right"], offline.figures["not_judged"]) == (None, 1)


def spent_as_evaluation(model: str = "openai/gpt-judge") -> list[tuple[int, int]]:
    rows = UsageEvent.objects.filter(kind="evaluation", model=model)
    return list(rows.values_list("prompt_tokens", "completion_tokens"))


def test_a_judge_that_is_given_up_is_charged_what_it_read(acme_bot, questions, model):
    """It fell silent, was late before its first word, and broke off: a provider bills each."""
    for end in (ProviderError("timeout"), ProviderError("interrupted")):
        UsageEvent.objects.all().delete()
        model.enqueue("36 months [1].")
        model.enqueue(end)
        run = run_bot(acme_bot, tag="warranty", judge_model="openai/gpt-judge")
        assert run.results.get().measures["judged_right"] is None
        (read, said), *_ = spent_as_evaluation()
        assert read > 50 and said == 0
    UsageEvent.objects.all().delete()
    model.enqueue("36 months [1].")
    model.enqueue('{"right": tr', ProviderError("timeout"))
    run_bot(acme_bot, tag="warranty", judge_model="openai/gpt-judge")
    assert spent_as_evaluation()[0][1] > 0
    UsageEvent.objects.all().delete()
    model.enqueue("36 months [1].")
    model.enqueue(provider_down())
    run_bot(acme_bot, tag="warranty", judge_model="openai/gpt-judge")
    assert spent_as_evaluation() == []


def test_a_rehearsal_that_is_late_is_charged_what_the_model_read(acme_bot, questions, model):
    async def give_up() -> None:
        asking = asyncio.create_task(rehearse(acme_bot, WARRANTY))
        while not model.requests:
            await asyncio.sleep(0.01)
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking

    model.enqueue(3600.0)
    async_to_sync(give_up)()
    model.enqueue(ProviderError("timeout"))
    async_to_sync(rehearse)(acme_bot, WARRANTY)
    spent = spent_as_evaluation(acme_bot.model)
    assert len(spent) == 2 and all(read > 50 and said == 0 for read, said in spent)


class TestRoutes:
    @pytest.fixture
    def path(self, acme_bot, questions) -> str:
        return f"/v1/bot-profiles/{acme_bot.pk}/evaluation-runs"

    def test_ordered_carried_out_and_compared(self, as_acme, path, model, acme_bot):
        ids = []
        for said in ("24 months [1].", "36 months [1]."):
            made = as_acme.post(path, {"tag": "warranty"}, content_type="application/json")
            assert made.status_code == 202, made.content
            model.enqueue(said)
            work(made.json()["id"])
            ids.append(made.json()["id"])
            acme_bot.temperature = 1.5
            acme_bot.save()
        assert [each["id"] for each in as_acme.get(path).json()["items"]] == ids[::-1]
        row = as_acme.get(f"/v1/evaluation-runs/{ids[0]}/results", {"is_right": "false"}).json()[
            "items"
        ][0]
        assert (row["question"], row["answer"]) == (WARRANTY, "24 months [1].")
        found = as_acme.get(f"/v1/evaluation-runs/{ids[1]}/comparison", {"before": ids[0]}).json()
        assert [each["question"] for each in found["better"]] == [WARRANTY] and not found["worse"]
        assert found["configuration"] == {"temperature": [0.2, 1.5]}
        assert {"name": "right", "before": 0.0, "after": 1.0, "difference": 1.0} in found["figures"]
        assert as_acme.delete(f"/v1/evaluation-runs/{ids[0]}").status_code == 204

    def test_cancelled_and_gone_on_with(self, as_acme, path, model):
        own = f"/v1/evaluation-runs/{as_acme.post(path, {}, content_type='application/json').json()['id']}"
        assert as_acme.post(f"{own}/retry").json()["code"] == "run_not_failed"
        assert as_acme.post(f"{own}/cancel").json()["status"] == "cancelled"
        assert as_acme.post(f"{own}/cancel").status_code == 409
        work(own.rpartition("/")[2])
        assert not EvaluationResult.objects.exists()
        assert as_acme.post(f"{own}/retry").json()["status"] == "pending"

    def test_only_so_many_wait_at_once(self, acme_bot, questions, monkeypatch):
        monkeypatch.setattr(running, "MAX_OPEN", 1)
        order_run(acme_bot, made_by="alice")
        with pytest.raises(Conflict):
            order_run(acme_bot, made_by="alice")

    def test_one_that_goes_on_waits_with_them(self, as_acme, acme_bot, questions, monkeypatch):
        monkeypatch.setattr(running, "MAX_OPEN", 1)
        cancelled = order_run(acme_bot, made_by="alice")
        EvaluationRun.objects.open().stop()
        order_run(acme_bot, made_by="alice")
        refused = as_acme.post(f"/v1/evaluation-runs/{cancelled.pk}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_runs")
        EvaluationRun.objects.open().stop()
        assert as_acme.post(f"/v1/evaluation-runs/{cancelled.pk}/retry").status_code == 202

    def test_the_oldest_runs_go(self, acme_bot, questions, model, monkeypatch):
        monkeypatch.setattr(running, "MOST_RUNS", 2)
        model.enqueue("36 months [1].")
        first = run_bot(acme_bot, tag="warranty")
        for _ in range(2):
            order_run(acme_bot, made_by="alice", tag="warranty")
            EvaluationRun.objects.open().stop()
        assert not EvaluationRun.objects.filter(pk=first.pk).exists()

    def test_another_tenant_has_none_of_it(self, as_globex, path, acme_bot, globex):
        run = order_run(acme_bot, made_by="alice")
        assert as_globex.get(f"/v1/evaluation-runs/{run.pk}").status_code == 404
        with tenant_context(globex.tenant):
            work(run.pk)
            assert not EvaluationRun.objects.exists()
