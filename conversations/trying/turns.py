"""One question that is tried: told like a visitor's, and nothing of it is stored but its cost."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from bots.models import Outcome
from conversations.evaluating.rehearsing import rehearse_aloud
from conversations.explaining.verdicts import explain_outcome
from conversations.logs.traces import tell_trace
from conversations.trying.setups import Setup, keep_result, set_up_bot
from conversations.turns.state import Answer, History
from conversations.turns.taking import Failed, TurnEvent
from conversations.turns.tracing import describe_turn
from tenants.context import run_sync

_LONGEST_PROMPT: Final = 100_000


@dataclass(frozen=True)
class Tried:
    """The end of a question that was tried: the answer, and what it took."""

    answer: Answer
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float


async def try_turn(
    setup_name: str, setup: Setup, question: str, *, request_id: str, history: History, languages: tuple[str, ...],
    said: list[tuple[str, str]],
) -> AsyncGenerator[TurnEvent | Tried, None]:  # fmt: skip
    """Yield a turn's events, and Tried at its end, unless it failed. What was said joins `said`."""
    bot = await run_sync(set_up_bot, setup)
    answer = Answer(is_stream=True)
    failed = None
    aloud = rehearse_aloud(bot, question, answer, history=history, languages=languages, helps=True)
    async with aclosing(aloud) as events:
        async for event in events:
            if isinstance(event, Failed):
                failed = event  # told once what became of it is kept
            else:
                yield event
    told = await run_sync(_tell, question, answer, history, bot.pk)
    await run_sync(keep_result, setup_name, request_id, told)
    if failed is not None:
        yield failed
    else:
        said += [("user", question), ("assistant", answer.content)]
        calls = told["told"]["calls"]
        prompt, completion = (
            sum(call[name] for call in calls) for name in ("prompt_tokens", "completion_tokens")
        )
        yield Tried(answer, prompt, completion, told["cost_usd"])


def _tell(question: str, answer: Answer, history: History, bot_id: Any) -> dict[str, Any]:
    """What is kept for an hour of a question that was tried: its trace, what the model was sent, what was cited."""
    trace = describe_turn(answer)
    told = tell_trace(trace, [(passage.chunk_id, number) for number, passage in answer.citations])
    reason = answer.refusal.reason if answer.refusal else ""
    verdict = explain_outcome(
        told, str(answer.outcome), refusal_reason=reason, error_code=answer.error_code, curated=trace.get("curated"),
    )  # fmt: skip
    cited = dict.fromkeys(str(passage.source_id) for _, passage in answer.citations)
    understood = told["understood"] or {}
    return {
        "bot_profile_id": str(bot_id), "question": question, "answer": answer.content, "told": told,
        "verdict": {"says": verdict.says, "helps": verdict.helps}, "outcome": str(answer.outcome),
        "cost_usd": float(sum(call["cost_usd"] for call in told["calls"])),
        "prompt": _cut(answer.asked), "before": [{"role": role, "content": text} for role, text in history],
        "cited": [] if answer.curated else list(cited)[:10], "language": str(understood.get("language") or "")[:8],
        "is_declined": answer.outcome == Outcome.REFUSED,
    }  # fmt: skip


def _cut(messages: tuple[dict[str, str], ...]) -> list[dict[str, str]]:
    """What the model was sent, as long as anybody reads."""
    left, kept = _LONGEST_PROMPT, []
    for each in messages:
        text = str(each.get("content", ""))[:left]
        left -= len(text)
        kept.append({"role": str(each.get("role", "")), "content": text})
    return kept
