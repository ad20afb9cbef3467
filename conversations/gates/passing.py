"""Whether a bot's draft passes its gate, and publishing it: because it does, or because someone says why not.

A draft passes by the last run of all golden questions that was made of exactly this configuration, as long as nothing
around it has changed since: its questions, what the bot answers from, guardrails. What got worse is looked for against
the last such run of what is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext, ngettext, override

from bots.configurations import fingerprint, snapshot
from bots.drafts.changing import draft_of, find_draft
from bots.models import BotProfile, QualityGate
from bots.profiles import publish_draft
from conversations.evaluating.comparing import compare_runs
from conversations.evaluating.configuring import SURROUNDINGS, list_changed
from conversations.evaluating.running import order_run
from conversations.models import EvaluationRun
from minirag.lib.errors import Conflict

_THRESHOLDS: Final = {
    "right": "least_right", "declined_right": "least_declined_right", "citation_valid": "least_citation_valid",
    "support": "least_support",
}  # fmt: skip
_NAMED_QUESTIONS: Final = 20


@dataclass(frozen=True)
class Failure:
    """A threshold that a run does not reach; `got` is None where there was nothing to measure."""

    figure: str
    wanted: float
    got: float | None
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passing:
    """Where a configuration stands before its gate. Without a run it has not been measured; what has `changed` since
    its run (names of SURROUNDINGS) says that it has to be measured again.
    """

    run: EvaluationRun | None
    baseline: EvaluationRun | None
    failures: tuple[Failure, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def is_passed(self) -> bool:
        return self.run is not None and not self.failures and not self.changed


def judge_run(gate: QualityGate, run: EvaluationRun) -> Passing:
    """Hold a run against the gate, and against the last run of what is published."""
    baseline = _find_run(run.bot_profile, _published_hash(run.bot_profile), besides=run)
    found = []
    for figure, threshold in _THRESHOLDS.items():
        wanted, got = getattr(gate, threshold), run.figures.get(figure)
        if wanted is not None and (got is None or got < wanted):
            found.append(Failure(figure, wanted, got))
    if gate.forbids_worse and baseline is not None:
        worse = compare_runs(baseline, run).worse
        if worse:
            named = tuple(each.question[:300] for each in worse[:_NAMED_QUESTIONS])
            found.append(Failure("worse", 0.0, float(len(worse)), named))
    return Passing(run, baseline, tuple(found), tuple(list_changed(run)))


@dataclass(frozen=True)
class Measured:
    """One threshold of a gate beside what a run came to; `got` is None where there was nothing to measure."""

    figure: str
    wanted: float
    got: float | None
    is_reached: bool


def list_measures(gate: QualityGate | None, passing: Passing) -> list[Measured]:
    """What the gate asks for, each with what the run came to; nothing without a run."""
    if gate is None or passing.run is None:
        return []
    failed = {each.figure: each for each in passing.failures}
    found = [
        Measured(figure, wanted, passing.run.figures.get(figure), figure not in failed)
        for figure, threshold in _THRESHOLDS.items()
        if (wanted := getattr(gate, threshold)) is not None
    ]
    if gate.forbids_worse and passing.baseline is not None:
        worse = failed.get("worse")
        found.append(Measured("worse", 0.0, worse.got if worse else 0.0, worse is None))
    return found


def judge_draft(bot: BotProfile) -> Passing:
    """Where the bot's draft stands; without a gate it passes by any run, or none. Raises NotFound without a draft."""
    wanted = fingerprint(snapshot(draft_of(bot)))
    run = _find_run(bot, wanted)
    gate = QualityGate.objects.filter(bot_profile_id=bot.pk).first()
    return judge_run(gate, run) if gate is not None and run is not None else Passing(run, None)


def check_live(bot: BotProfile) -> Passing:
    """The last run of what is published, if any, and what counts at once and has changed since."""
    run = _find_run(bot, _published_hash(bot))
    return Passing(run, None, changed=tuple(list_changed(run)) if run is not None else ())


def _published_hash(bot: BotProfile) -> str:
    return fingerprint(snapshot(BotProfile.objects.get(pk=bot.pk)))


def list_runs(bot: BotProfile, number: int) -> list[EvaluationRun]:
    """The newest runs of all golden questions, over or not."""
    return list(
        EvaluationRun.objects.filter(bot_profile_id=bot.pk, tag="").order_by("-created_at")[:number]
    )


def _find_run(
    bot: BotProfile, configuration_hash: str, besides: EvaluationRun | None = None
) -> EvaluationRun | None:
    """The last run of all golden questions with this configuration."""
    runs = EvaluationRun.objects.succeeded().filter(
        bot_profile_id=bot.pk, configuration_hash=configuration_hash, tag=""
    )
    if besides is not None:
        runs = runs.exclude(pk=besides.pk)
    return runs.select_related("bot_profile").first()


def order_draft_run(bot: BotProfile, *, made_by: str, judge_model: str = "") -> EvaluationRun:
    """Order the run that the draft has to pass by; the caller queues it. Raises NotFound, and as `order_run`."""
    return order_run(draft_of(bot), made_by=made_by, judge_model=judge_model, is_draft=True)


def publish(bot: BotProfile, reason: str = "") -> BotProfile:
    """Let the bot answer by its draft, if that passes or a reason is given, which is written down.

    Raises NotFound without a draft, Conflict (`gate_not_passed`).
    """
    reason = reason.strip()
    with transaction.atomic():
        # Who changes the draft waits for this: what is published is what was judged.
        bot = BotProfile.objects.select_for_update(no_key=True).get(pk=bot.pk)
        find_draft(bot)
        passing = judge_draft(bot)
        has_gate = QualityGate.objects.filter(bot_profile_id=bot.pk).exists()
        if has_gate and not passing.is_passed and not reason:
            raise Conflict(explain(passing), code="gate_not_passed")
        note: dict[str, Any] = {"run_id": str(passing.run.pk) if passing.run else None}
        if reason:
            note["reason"] = reason[:1000]
            with override("en"):  # what is written down is said in one language
                note["failures"] = explain(passing)[:400]
        return publish_draft(bot, note)


def name_changed(passing: Passing) -> str:
    """What has changed since the run, in the reader's words."""
    return ", ".join(str(SURROUNDINGS[name]) for name in passing.changed)


def explain(passing: Passing) -> str:
    """One sentence on why a draft does not pass; empty where it does."""
    if passing.run is None:
        return gettext("The draft has not been measured: order a run of it.")
    if passing.changed:
        told = gettext("Run it again, because this has changed since the last run: %(names)s.")
        return told % {"names": name_changed(passing)}
    if not passing.failures:
        return ""
    told = "; ".join(map(_explain_failure, passing.failures))
    return gettext("The gate is not passed: %(what)s.") % {"what": told}


def _explain_failure(failure: Failure) -> str:
    if failure.figure == "worse":
        number = int(failure.got or 0)
        told = ngettext("%(number)d question got worse", "%(number)d questions got worse", number)
        return told % {"number": number}
    facts = {"figure": failure.figure, "got": failure.got, "wanted": failure.wanted}
    if failure.got is None:
        return gettext("%(figure)s is not measured, wanted %(wanted)s") % facts
    return gettext("%(figure)s is %(got)s, wanted %(wanted)s") % {
        **facts,
        "got": round(failure.got, 4),
    }
