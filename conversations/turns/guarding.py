"""The first guard of a turn: the bot's scopes, before anything is searched and without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bots.models import Scope
from bots.scopes.guardrails import OFF_TOPIC, Verdict, find_context, judge
from bots.scopes.refusals import write_refusal
from conversations.models import MessageRole
from conversations.turns.grounding import Refusal
from conversations.turns.state import BY_CHOICE, OpenTurn, Understood
from minirag.ai.builtin.local import find_sentence_embedder, local_threads


async def guard(turn: OpenTurn, understood: Understood) -> tuple[Refusal, str] | None:
    """Return why a question is refused and what to say instead, or None to go on.

    Reasons: `forbidden_topic`, `off_topic`, `unsafe_question`. One that never refuses and has no scopes is not guarded.
    Small talk is on no topic, and so never off it. Without scopes this is some regular expressions; with them it runs
    off the event loop, since it may embed.
    """
    if not turn.scopes and not turn.bot.refuses:
        return None
    earlier = [content for role, content in turn.history if role == MessageRole.USER]
    verdict = await judge_question(
        _find_judged(turn, understood), turn.scopes, earlier, understood.language
    )
    if verdict.is_allowed or (verdict.reason == OFF_TOPIC and understood.is_small_talk):
        return None
    text = write_refusal(
        verdict, turn.scopes, own=turn.bot.refusal_text, language=understood.language
    )
    return Refusal(verdict.reason, verdict.score, verdict.threshold), text


def _find_judged(turn: OpenTurn, understood: Understood) -> str:
    """A choice is judged with the question that it answers."""
    is_chosen = understood.decided_by == BY_CHOICE
    return understood.query.text if is_chosen else turn.question.content


async def judge_question(
    question: str, scopes: Sequence[Scope], earlier: Sequence[str], language: str
) -> Verdict:
    """What the scopes say to a question after `earlier` ones."""
    if not scopes:
        return judge(question, ())
    return await asyncio.get_running_loop().run_in_executor(
        local_threads(), _judge, question, scopes, earlier, language
    )


def _judge(
    question: str, scopes: Sequence[Scope], earlier: Sequence[str], language: str
) -> Verdict:
    return judge(
        question,
        scopes,
        find_context(earlier),
        language=language,
        embed=find_sentence_embedder(),
    )
