"""The bases written for this: what visitors ask of a shop and a town, of some to tune on, and of others that nobody may
tune on.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bench.quality.asking import Reply, ask, bot_set, make_bot, make_tenant, teach_pages
from bench.quality.installation import KEPT
from bench.quality.languages import is_in_language
from bench.quality.questions import (
    ANSWERABLE,
    DECLINED,
    HALVES,
    KINDS,
    KnowledgeBase,
    Question,
    load_base,
)
from bench.report import Budget, Report
from tenants.context import tenant_context

OWN, UNSEEN = ("shop", "town"), ("clinic", "village")
TUNED = (
    "bikehire", "camping", "drivingschool", "gym", "hausverwaltung", "invoicing", "museum", "musikschule", "stadtwerke",
    "storage", "theatre", "vhs", "zahnarzt",
)  # fmt: skip
APART = ("broadband", "kennels", "library", "schwimmschule", "tierpark")
TO_REACH: Final = {
    "plain": 0.93, "follow-up": 0.85, "typo": 0.80, "compound": 0.80, "off-topic": 0.95, "near-topic": 0.80,
    "small-talk": 1.0,
}  # fmt: skip
DID: Final = {
    **dict.fromkeys(ANSWERABLE, "answered right"),
    **dict.fromkeys(DECLINED, "declined"),
    "small-talk": "answered as such",
}


@dataclass(frozen=True)
class Asked:
    """A question and what came of it. `pages` are those that the reply cites."""

    question: Question
    reply: Reply
    pages: tuple[str, ...]

    @property
    def has_facts(self) -> bool:
        return self.reply.is_answered and self.question.has_facts(self.reply.text)

    @property
    def is_right(self) -> bool:
        """An answer has its facts and cites their page; small talk is not a refusal, cites nothing, in its language."""
        if self.question.kind in DECLINED:
            return self.reply.is_declined
        if self.question.kind in ANSWERABLE:
            return self.has_facts and bool(set(self.pages) & set(self.question.pages))
        is_own = not self.reply.is_declined and not self.pages and bool(self.reply.text.strip())
        return (
            is_own
            and is_in_language(self.reply.text, self.question.language)
            and self.question.has_facts(self.reply.text)
        )


@dataclass(frozen=True)
class Results:
    """One base asked: the product as it is, the same without a floor, and each question in its standard form."""

    base: KnowledgeBase
    asked: list[Asked]
    unfloored: list[Asked]
    standard: list[Asked]


def measure_own(report: Report, *, quick: bool, show: bool) -> None:
    """Shop and town together, half by half; the held-out halves are what counts."""
    results = [ask_base(load_base(name), quick=quick) for name in OWN]
    report_results(report, "own", results, TO_REACH)
    for half in HALVES:
        report_half(report, f"own, {half} half", half, results)
    tell_changes("own", results)
    if show:
        show_failures(results)


def measure_unseen(report: Report, *, quick: bool, show: bool) -> None:
    """Bases in another voice that nobody may tune on."""
    measure_whole(report, "unseen", UNSEEN, TO_REACH, quick=quick, show=show)


def measure_others(report: Report, *, quick: bool, show: bool) -> None:
    """Bases whose questions are mostly in other words than the pages: those to tune on, and those kept apart."""
    measure_whole(report, "tuned on", TUNED, {}, quick=quick, show=show)
    measure_whole(report, "kept apart", APART, {}, quick=quick, show=show)


def measure_whole(
    report: Report, section: str, names: Sequence[str], to_reach: dict[str, float], *, quick: bool, show: bool
) -> None:  # fmt: skip
    results = [ask_base(load_base(name), quick=quick) for name in names]
    report_results(report, section, results, to_reach)
    tell_changes(section, results)
    if show:
        show_failures(results)


def ask_base(base: KnowledgeBase, *, quick: bool) -> Results:
    """Teach a bot of a new tenant the base's pages, and ask it everything; a third of it where it has to be quick."""
    questions = base.questions[::3] if quick else base.questions
    with tenant_context(make_tenant(base.name)):
        bot = make_bot(base.bot_name)
        pages = teach_pages(bot, base.pages)

        def ask_all(chosen: Iterable[tuple[Question, str, Sequence[str]]]) -> list[Asked]:
            async def run() -> list[Asked]:
                asked = []
                for question, text, before in chosen:
                    reply = await ask(bot, text, before=before)
                    asked.append(Asked(question, reply, name_pages(reply, pages)))
                return asked

            return asyncio.run(run())

        asked = ask_all((each, each.text, each.before) for each in questions)
        standard = ask_all((each, each.standard, ()) for each in questions if each.standard)
        with bot_set(bot, refusal_mode="open"):
            answerable = [each for each in questions if each.kind in ANSWERABLE]
            unfloored = ask_all((each, each.text, each.before) for each in answerable)
    return Results(base, asked, unfloored, standard)


def name_pages(reply: Reply, pages: dict[uuid.UUID, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pages[source_id] for source_id in reply.cited))


def report_results(
    report: Report, section: str, results: Sequence[Results], to_reach: dict[str, float]
) -> None:
    """One line a kind, with what is worth comparing in the same run."""
    for kind in KINDS:
        asked = pick(results, lambda each: each.asked, kind)
        if not asked:
            continue
        notes = [count(asked, lambda each: each.is_right)]
        notes += [
            f"{result.base.name} {count(own, lambda each: each.is_right)}"
            for result in results
            if (own := pick([result], lambda each: each.asked, kind))
        ]
        if kind in ANSWERABLE:
            notes.append(f"declined {count(asked, lambda each: each.reply.is_declined)}")
            unfloored = pick(results, lambda each: each.unfloored, kind)
            notes.append(f"without a floor {count(unfloored, lambda each: each.is_right)}")
        if standard := pick(results, lambda each: each.standard, kind):
            notes.append(f"in standard words {count(standard, lambda each: each.is_right)}")
        budget = Budget(to_reach[kind], at_least=True) if kind in to_reach else None
        report.add(
            section, f"{kind}: {DID[kind]}", share(asked), "%", budget, note="; ".join(notes)
        )


def report_half(report: Report, section: str, half: str, results: Sequence[Results]) -> None:
    for kind in KINDS:
        asked = [
            each
            for each in pick(results, lambda each: each.asked, kind)
            if each.question.half == half
        ]
        if asked:
            report.add(
                section, f"{kind}: {DID[kind]}", share(asked), "%",
                note=count(asked, lambda each: each.is_right),
            )  # fmt: skip


def pick(
    results: Sequence[Results], part: Callable[[Results], list[Asked]], kind: str
) -> list[Asked]:
    return [each for result in results for each in part(result) if each.question.kind == kind]


def share(asked: Sequence[Asked]) -> float:
    return sum(each.is_right for each in asked) / len(asked)


def count(asked: Sequence[Asked], is_so: Callable[[Asked], bool]) -> str:
    return f"{sum(map(is_so, asked))}/{len(asked)}"


def tell_changes(section: str, results: Sequence[Results]) -> None:
    """Say which questions went another way than in the last run here, and remember this one."""
    path = KEPT / f"{section}.json"
    now = {each.question.key: each.is_right for result in results for each in result.asked}
    last = json.loads(path.read_text()) if path.exists() else {}
    for word, wanted in (("right now", True), ("wrong now", False)):
        changed = [
            key for key, right in now.items() if right is wanted and last.get(key) is not wanted
        ]
        if changed := [key for key in changed if key in last]:
            print(f"  {word}, unlike in the last run: {' '.join(changed)}", flush=True)
    path.write_text(json.dumps(last | now))


def show_failures(results: Sequence[Results]) -> None:
    """Print each question that went wrong, and what was said."""
    for result in results:
        for each in result.asked:
            if not each.is_right:
                print(describe_failure(each), flush=True)


def describe_failure(asked: Asked) -> str:
    question, reply = asked.question, asked.reply
    what = (
        "declined" if reply.is_declined
        else "should have been declined" if question.kind in DECLINED
        else "without its facts" if not question.has_facts(reply.text)
        else f"cites {', '.join(asked.pages) or 'nothing'}"
    )  # fmt: skip
    said = "".join(f"\n    before: {text}" for text in question.before)
    wanted = f"\n    wanted: {' '.join(question.pages)} {question.must}" if question.pages else ""
    return (
        f"\n{question.key} ({question.kind}, {question.half}): {what}; sure {reply.sureness}{said}\n"
        f"    asked:  {question.text}\n    said:   {' '.join(reply.text.split())[:600]}{wanted}"
    )
