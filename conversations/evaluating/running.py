"""Evaluation runs: ordered by people, done by a worker or a command, question by question.

A result is stored with the sign of life that shows it, in one transaction under the worker's claim: a worker that is
killed loses one question, another goes on behind what is there, and one that was thought dead stores nothing. The run
answers by the configuration that it was ordered with, whatever the bot is set to meanwhile.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import structlog
from asgiref.sync import async_to_sync
from django.db import DatabaseError, transaction
from django.utils.translation import gettext

from bots.configurations import fingerprint
from bots.models import BotProfile
from bots.quotas.sharing import claim_in_share
from bots.quotas.turns import is_turn_over
from conversations.evaluating.configuring import (
    configuration_of,
    describe_surroundings,
    restore_bot,
)
from conversations.evaluating.judging import judge
from conversations.evaluating.measuring import Expected, Given, measure, sum_up
from conversations.evaluating.rehearsing import Rehearsal, rehearse
from conversations.models import (
    LONGEST_ANSWER,
    EvaluationResult,
    EvaluationRun,
    GoldenQuestion,
)
from conversations.turns.tracing import judge_citations
from knowledge.models import Audience, Source
from minirag.lib.errors import BadInput, Conflict, NotFound, ProductError
from minirag.lib.jobs.heartbeat import Heartbeat
from minirag.lib.jobs.job import ClaimLost
from tenants.audit import record

logger = structlog.get_logger(__name__)

MAX_OPEN: Final = 5
MOST_RUNS: Final = 200
"""Of one bot; the oldest go when a new one is ordered."""
SLICE_SECONDS: Final = 300.0
"""How long a worker stays with one run before others get a turn."""


# --- What people ask for ------------------------------------------------------------------------------------------
def order_run(
    bot: BotProfile, *, made_by: str, tag: str = "", judge_model: str = "", is_draft: bool = False
) -> EvaluationRun:
    """Write down a run of the bot's golden questions as `bot` is set, saved or not; the caller queues it.

    Raises BadInput (`no_golden_questions`), Conflict (`too_many_runs`).
    """
    questions = _select(bot.pk, tag)
    count = questions.count()
    if not count:
        told = f" with the tag {tag!r}" if tag else ""
        raise BadInput(
            gettext("The bot has no active golden question%(told)s.") % {"told": told},
            code="no_golden_questions",
        )
    configuration = configuration_of(bot)
    with transaction.atomic():
        _make_room(bot.pk)
        own = EvaluationRun.objects.filter(bot_profile=bot)
        over = own.exclude(pk__in=own.open().values("pk")).order_by("-created_at", "-id")
        EvaluationRun.objects.filter(
            pk__in=list(over.values_list("pk", flat=True)[MOST_RUNS - 1 :])
        ).delete()
        run = EvaluationRun.objects.order(
            bot_profile=bot, tag=tag, judge_model=judge_model, is_draft=is_draft, made_by=made_by[:320],
            configuration=configuration, configuration_hash=fingerprint(configuration),
            surroundings=describe_surroundings(bot), questions_total=count,
        )  # fmt: skip
        _note("ordered", run)
    return run


def _make_room(bot_profile_id: uuid.UUID) -> None:
    """Wait to be the only one who orders runs of the bot; raise Conflict (`too_many_runs`) where no more may wait."""
    bots = BotProfile.objects.select_for_update(no_key=True).only("pk")
    list(bots.filter(pk=bot_profile_id))
    if EvaluationRun.objects.filter(bot_profile_id=bot_profile_id).open().count() >= MAX_OPEN:
        raise Conflict(
            gettext("%(max_open)s runs of this bot are waiting or running already.")
            % {"max_open": MAX_OPEN},
            code="too_many_runs",
        )


def _select(bot_profile_id: uuid.UUID, tag: str) -> Any:
    rows = GoldenQuestion.objects.active().filter(bot_profile_id=bot_profile_id)
    return rows.tagged(tag) if tag else rows


def _note(what: str, run: EvaluationRun) -> None:
    detail = {"run_id": run.pk, "bot_profile_id": run.bot_profile_id, "is_draft": run.is_draft}
    record(f"evaluation_run.{what}", detail=detail)


def find_run(run_id: uuid.UUID) -> EvaluationRun:
    run = EvaluationRun.objects.select_related("bot_profile").filter(pk=run_id).first()
    if run is None:
        raise NotFound(gettext("Evaluation run not found"))
    return run


def stop_run(run_id: uuid.UUID) -> EvaluationRun:
    """Cancel a run; what was measured stays. Raises NotFound, Conflict (`run_over`)."""
    with transaction.atomic():
        if not EvaluationRun.objects.filter(pk=run_id).stop():
            find_run(run_id)
            raise Conflict(gettext("The run is over."), code="run_over")
        run = find_run(run_id)
        _note("cancelled", run)
    return run


def retry_run(run_id: uuid.UUID) -> EvaluationRun:
    """Go on with a run that failed or was cancelled; the caller queues it.

    Raises NotFound, Conflict (`run_not_failed`, `too_many_runs`).
    """
    with transaction.atomic():
        run = find_run(run_id)
        if run.can_go_on:
            _make_room(run.bot_profile_id)
        if not EvaluationRun.objects.filter(pk=run_id).retry():
            raise Conflict(
                gettext("Only a failed or cancelled run can go on."), code="run_not_failed"
            )
        run = find_run(run_id)
        _note("retried", run)
    return run


def delete_run(run_id: uuid.UUID) -> None:
    """Remove a run with its results; one that is running stops at its next question. Raises NotFound."""
    run = find_run(run_id)
    with transaction.atomic():
        _note("deleted", run)
        run.delete()


# --- What a worker does -------------------------------------------------------------------------------------------
def claim_run(run_id: uuid.UUID) -> EvaluationRun | None:
    """Claim a pending run; None if somebody else has it, or the tenant has its share of long work."""
    return claim_in_share(EvaluationRun.objects.waiting(), run_id)


def carry_out(
    run: EvaluationRun,
    *,
    seconds: float | None = SLICE_SECONDS,
    tell: Callable[[EvaluationResult], None] = lambda result: None,
) -> None:
    """Ask what a claimed run has not asked yet, to its end or for `seconds`; then it waits for the next worker."""
    try:
        with Heartbeat(run):
            _ask_all(run, seconds, tell)
    except ClaimLost:
        logger.warning("a run was taken away, cancelled or deleted", run_id=str(run.pk))
    except ProductError as error:
        with suppress(ClaimLost):
            run.fail(error.code, error.detail)
    except DatabaseError:
        raise  # the sweeper gives it to another worker
    except Exception:
        logger.exception("an evaluation run failed", run_id=str(run.pk))
        with suppress(ClaimLost):
            run.fail("internal", "Something went wrong on our side.")


def _ask_all(
    run: EvaluationRun, seconds: float | None, tell: Callable[[EvaluationResult], None]
) -> None:
    started = time.monotonic()
    try:
        bot = restore_bot(run)
    except BotProfile.DoesNotExist:
        raise ClaimLost from None
    known: dict[Audience, dict[str, str]] = {}
    questions = _select(run.bot_profile_id, run.tag).filter(created_at__lte=run.created_at)
    asked = set(run.results.values_list("name_hash", flat=True))
    for golden in questions.order_by("created_at", "id"):
        if golden.name_hash in asked:
            continue
        is_late = seconds is not None and time.monotonic() - started > seconds
        if is_late or is_turn_over():
            run.give_back()
            return
        audience = Audience.of(golden.groups)
        if audience not in known:
            known[audience] = _find_sources(bot, audience)
        result = async_to_sync(_ask)(run, bot, golden, known[audience])
        asked.add(golden.name_hash)
        _store(run, result, len(asked))
        tell(result)
    rows = run.results.values_list("is_right", "outcome", "measures")
    figures = sum_up(list(rows))
    run.finish(figures=figures, questions_done=len(rows))


def _store(run: EvaluationRun, result: EvaluationResult, done: int) -> None:
    """Keep a result under the claim. A question that was deleted meanwhile is kept by its words. Raises ClaimLost."""
    with transaction.atomic():
        run.beat(questions_done=done)
        goldens = GoldenQuestion.objects.select_for_update(no_key=True)
        golden = result.golden_question
        if golden and not goldens.filter(pk=golden.pk, name_hash=result.name_hash):
            result.golden_question = None
        result.save(force_insert=True)


async def _ask(
    run: EvaluationRun, bot: BotProfile, golden: GoldenQuestion, known: dict[str, str]
) -> EvaluationResult:
    """Ask one question and measure what comes. Raises ProductError where nothing can be asked any more."""
    languages = (golden.language,) if golden.language else ()
    said = await rehearse(
        bot, golden.question, history=golden.history, languages=languages, audience=Audience.of(golden.groups)
    )  # fmt: skip
    expected, given, answer = _expect(golden, known), _read(said), said.answer
    if answer.curated is not None:  # what a person has approved needs no other source
        expected = replace(expected, sources=frozenset())
    measured = measure(expected, given)
    measures = dict(measured.measures) | {
        "duration_ms": answer.duration_ms, "first_token_ms": answer.first_token_ms,
        "prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens,
        "groups": golden.groups,
        "cost_usd": float(answer.cost_usd), "found": given.found[:20], "cited": given.cited[:20],
    }  # fmt: skip
    if run.judge_model:
        passages = [passage.content for _, passage in answer.citations] or [
            passage.content for passage in said.found
        ]
        verdict = await judge(bot, run.judge_model, golden, answer.content, passages)
        measures |= {"judged_right": verdict.is_right, "judge": verdict.why}
    return EvaluationResult(
        run=run, golden_question=golden, name_hash=golden.name_hash, question=golden.question,
        answer=answer.content[:LONGEST_ANSWER].replace("\0", " "),
        outcome=answer.outcome, error_code=answer.error_code[:64],
        refusal_reason=answer.refusal.reason if answer.refusal else "", is_right=measured.is_right, measures=measures,
    )  # fmt: skip


def _read(said: Rehearsal) -> Given:
    answer = said.answer
    return Given(
        text=answer.content,
        is_answered=said.error is None and not said.is_declined,
        is_declined=said.is_declined,
        found=tuple(str(passage.source_id) for passage in said.found),
        cited=tuple(str(passage.source_id) for _, passage in answer.citations),
        citation_valid=judge_citations(answer),
        supported=tuple(each.is_supported for each in answer.support),
        language=answer.understood.language if answer.understood else "",
    )


def _find_sources(bot: BotProfile, audience: Audience) -> dict[str, str]:
    """The ids of the sources that answer this audience, by all that they may be called."""
    known: dict[str, str] = {}
    rows = Source.objects.answering(bot.pk, audience).order_by("created_at")
    for pk, name, external_id in rows.values_list("pk", "name", "external_id"):
        for called in (name.casefold(), (external_id or "").casefold(), str(pk)):
            if called:
                known.setdefault(called, str(pk))
    return known


def _expect(golden: GoldenQuestion, known: dict[str, str]) -> Expected:
    found = {each: known.get(each.casefold()) for each in golden.expected_sources}
    return Expected(
        must_decline=golden.must_decline,
        facts=tuple(golden.expected_facts),
        forbidden=tuple(golden.forbidden_facts),
        sources=frozenset(source for source in found.values() if source),
        gone=tuple(each for each, source in found.items() if not source),
    )
