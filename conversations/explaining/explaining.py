"""`explain` tries a question on a bot and tells step by step why it is answered so.

The question is answered as a visitor's would be, and only its cost is kept (conversations.evaluating.rehearsing). Who
asks why a passage was not found is told where it stands for what was searched; where nothing was, as for small talk,
the question is searched all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from bots.models import BotProfile
from conversations.evaluating.rehearsing import Rehearsal, rehearse
from conversations.explaining.verdicts import explain_outcome
from conversations.logs.traces import TRACED, tell_trace, tell_turn
from conversations.models import Citation, Message
from conversations.turns.state import History
from knowledge.locating.reasons import Reason, explain_nothing, explain_place
from knowledge.locating.wanted import Wanted
from knowledge.locating.whereabouts import Located, Whereabouts, locate
from knowledge.models import ANYONE, Audience
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.queries import Carried, Query
from knowledge.retrieval.retrieving import Retrieval, retrieve
from minirag.ai.embeddings import profile_of
from tenants.context import run_sync


@dataclass(frozen=True)
class Sought:
    """One of the passages that were asked for, and why it stands where it does."""

    where: Whereabouts
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Explanation:
    """What became of one question. `told` is its trace; `sought` is empty, with `why_nothing`, where there is no such
    passage.
    """

    bot: BotProfile
    question: str
    outcome: str
    answer: str
    citations: tuple[tuple[int, Passage | Citation], ...]
    verdict: Reason
    told: Mapping[str, Any]
    sought: tuple[Sought, ...] = ()
    why_nothing: Reason | None = None
    located: Located | None = None

    @property
    def bot_id(self) -> UUID:
        return self.bot.pk

    @property
    def traced(self) -> dict[str, Any]:
        """The trace alone, without what a stored turn has beside it."""
        return {name: self.told[name] for name in TRACED}

    @property
    def cost_usd(self) -> float:
        return float(sum(call["cost_usd"] for call in self.told["calls"]))


@dataclass(frozen=True)
class Trial:
    """A question, and what it is tried with beside a bot: `token_id` says whose quotas it counts against as well, and
    `audience` to whom it is answered.
    """

    question: str
    history: History = ()
    languages: tuple[str, ...] = ()
    wanted: Wanted = field(default_factory=Wanted)
    token_id: UUID | None = None
    audience: Audience = ANYONE


async def explain(bot: BotProfile, trial: Trial) -> Explanation:
    """Try a question. Raises what `rehearse` does: Conflict, QuotaExceeded, BudgetExceeded."""
    said = await rehearse(
        bot, trial.question, history=trial.history, languages=trial.languages, token_id=trial.token_id,
        audience=trial.audience,
    )  # fmt: skip
    found = await run_sync(_tell, bot, trial.question, said)
    if not trial.wanted:
        return found
    query, retrieval = _query_of(said, trial.question), said.answer.retrieval
    if retrieval is None:
        retrieval = await retrieve(bot, query, audience=trial.audience)
    return await run_sync(seek, found, query, retrieval, trial.wanted, trial.audience)


async def explain_stored(question: Message, wanted: Wanted) -> Explanation:
    """Tell why a stored turn was answered so, by its question; no model is asked to answer.

    Where a passage is looked for, what the turn searched for is searched again, in today's knowledge.
    """
    found, query = await run_sync(_recall, question)
    if not wanted:
        return found
    audience = Audience.marked(found.told["audience"])
    retrieval = await retrieve(found.bot, query, audience=audience)
    return await run_sync(seek, found, query, retrieval, wanted, audience)


def _recall(question: Message) -> tuple[Explanation, Query]:
    told, answer = tell_turn(question), getattr(question, "answer", None)
    refusal, cited = told["refusal"], answer.citations.all() if answer else ()
    verdict = explain_outcome(
        told, question.outcome, refusal_reason=refusal.reason if refusal else "",
        error_code=question.error_code, curated=(question.trace or {}).get("curated"),
    )  # fmt: skip
    found = Explanation(
        question.chat.bot_profile, question.content, question.outcome, told["answer"] or "",
        tuple((each.number, each) for each in cited), verdict, told,
    )  # fmt: skip
    understood = told["understood"] or {}
    carried = tuple(Carried(each["text"], each["weight"]) for each in understood.get("carried", ()))
    text, language = understood.get("question") or question.content, understood.get("language", "")
    return found, Query(text, language, carried)


def seek(
    found: Explanation, query: Query, retrieval: Retrieval, wanted: Wanted, audience: Audience
) -> Explanation:
    """Add where the wanted passages stand for what was searched."""
    located = locate(found.bot, query, retrieval, wanted, audience)
    if not located.found:
        return replace(found, located=located, why_nothing=explain_nothing(located))
    model = retrieval.embedding_model
    told: dict[str, Any] = {
        "wanted": found.bot.passage_count, "asked_in": retrieval.language, "is_dense": model is not None,
        "is_english_only": model is not None and profile_of(model).english_only,
    }  # fmt: skip
    sought = tuple(Sought(each, tuple(explain_place(each, **told))) for each in located.found)
    return replace(found, located=located, sought=sought)


def _query_of(said: Rehearsal, question: str) -> Query:
    return said.answer.understood.query if said.answer.understood else Query(question)


def _tell(bot: BotProfile, question: str, said: Rehearsal) -> Explanation:
    answer = said.answer
    cited = [(passage.chunk_id, number) for number, passage in answer.citations]
    told = tell_trace(said.trace, cited)
    reason = answer.refusal.reason if answer.refusal else ""
    verdict = explain_outcome(
        told, str(answer.outcome), refusal_reason=reason, error_code=answer.error_code,
        curated=said.trace.get("curated"),
    )  # fmt: skip
    return Explanation(
        bot, question, str(answer.outcome), answer.content, tuple(answer.citations), verdict, told
    )
