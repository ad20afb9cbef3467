"""What of the conversation and of the passages a model has room for, in tokens, before it is asked. Pure, but for
reading what was said before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db.models import Q

from bots.models import Outcome
from conversations.models import Chat, Message, MessageRole, leave_out_retried
from conversations.turns.prompting import AROUND_A_PASSAGE, Messages
from conversations.turns.state import History
from knowledge.retrieval.passages import Passage
from minirag.ai.pricing import context_of
from minirag.ai.tokens import TOKENS_PER_MESSAGE, count_prompt_tokens, count_tokens

# Our count is another encoding's than most models' (minirag.ai.tokens).
USABLE: Final = 0.85
HISTORY_SHARE: Final = 4
LEAST_OF_A_PASSAGE: Final = 60


@dataclass(frozen=True)
class Reading:
    """What the model is given to read. `history` is (role, content), oldest first."""

    history: tuple[tuple[str, str], ...]
    passages: tuple[Passage, ...]


def room_of(model: str, max_tokens: int) -> int | None:
    """Tokens that a model can read beside an answer of `max_tokens`; None where its context is not known."""
    size = context_of(model)
    return None if size is None else int(size * USABLE) - min(max_tokens, size // 2)


def surely_fits(messages: Messages, room: int) -> bool:
    """Without counting: no token is shorter than a byte."""
    return sum(len(each["content"].encode()) + TOKENS_PER_MESSAGE for each in messages) <= room


def fit(reading: Reading, frame: Messages, room: int) -> Reading:
    """Keep the best passages, and of the history the newest; a quarter of the room is the history's where it needs it.

    `frame` are the messages without either. Blocks to count tokens.
    """
    room -= count_prompt_tokens(frame)
    said = [count_tokens(content) + TOKENS_PER_MESSAGE for _, content in reading.history]
    passages, taken = _fit_passages(
        reading.passages, room - min(sum(said), max(room, 0) // HISTORY_SHARE)
    )
    return Reading(_fit_history(reading.history, said, room - taken), passages)


def _fit_passages(passages: Sequence[Passage], room: int) -> tuple[tuple[Passage, ...], int]:
    """Also how many tokens they take. Of the first at least its beginning is kept: something has to be cited."""
    kept: list[Passage] = []
    taken = 0
    for passage in passages:
        needed = count_tokens(passage.content) + AROUND_A_PASSAGE // 3
        left = room - taken
        if needed > left:
            if not kept:
                share = max(left, LEAST_OF_A_PASSAGE) / needed
                kept.append(
                    replace(passage, content=passage.content[: int(len(passage.content) * share)])
                )
                taken += int(needed * share)
            break
        kept.append(passage)
        taken += needed
    return tuple(kept), taken


def _fit_history(
    history: Sequence[tuple[str, str]], sizes: Sequence[int], room: int
) -> tuple[tuple[str, str], ...]:
    kept: list[tuple[str, str]] = []
    for told, size in zip(reversed(history), reversed(sizes), strict=True):
        room -= size
        if room < 0:
            break
        kept.append(told)
    while kept and kept[-1][0] == "assistant":  # an answer whose question did not fit
        kept.pop()
    return tuple(reversed(kept))


# What a person said counts for the model as an answer.
_SAID_BY: dict[str, str] = {
    MessageRole.USER: "user", MessageRole.ASSISTANT: "assistant", MessageRole.PERSON: "assistant",
}  # fmt: skip


def cut_history(history: History, turns: int) -> tuple[tuple[str, str], ...]:
    return tuple(history[-2 * turns :]) if turns else ()


def load_history(
    chat: Chat, turns: int, again: tuple[str, str] | None = None
) -> tuple[tuple[tuple[str, str], ...], frozenset[int]]:
    """Return the last `turns` turns as (role, content), oldest first, failed ones left out; and which were refused.

    So are those that were asked again, or are now: `again` is the request id and the text of a visitor's question.
    """
    told = (
        Message.objects.filter(chat=chat, role__in=_SAID_BY)
        .exclude(outcome__in=(Outcome.PENDING, Outcome.FAILED))
        .exclude(content="")  # what was made anonymous
    )
    facts = ("pk", "role", "content", "outcome", "request_id", "question_id")
    latest = told.order_by("-created_at", "-id").values_list(*facts, named=True)
    said = leave_out_retried(list(reversed(latest[: 2 * turns])), again)
    return (
        tuple((_SAID_BY[each.role], each.content) for each in said),
        frozenset(at for at, each in enumerate(said) if each.outcome == Outcome.REFUSED),
    )


def load_history_until(question: Message, turns: int) -> tuple[tuple[str, str], ...]:
    """Return the last `turns` turns of a chat up to a question and its answer, as (role, content), oldest first."""
    told = Message.objects.filter(
        Q(created_at__lte=question.created_at) | Q(question=question),
        chat_id=question.chat_id, role__in=_SAID_BY,
    )  # fmt: skip
    told = told.exclude(outcome__in=(Outcome.PENDING, Outcome.FAILED)).exclude(content="")
    latest = told.order_by("-created_at", "-id").values_list("role", "content")[: 2 * turns]
    return tuple((_SAID_BY[role], content) for role, content in reversed(latest))
