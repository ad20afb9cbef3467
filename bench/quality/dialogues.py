"""Conversations of people (the set `dialogues`): are turns understood in their history, and declined where due?"""

from __future__ import annotations

import asyncio
import json
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.quality.asking import (
    DEPTH,
    Reply,
    ask,
    bot_set,
    make_bot,
    make_tenant,
    search,
    teach_documents,
)
from bench.quality.metrics import measure_orders
from bench.quality.questions import HALVES
from bench.report import Budget, Report
from bots.models import BotProfile
from knowledge.retrieval.evaluation import JudgedSet, measure_ndcg
from tenants.context import tenant_context

IN_CONTEXT = ("follow-up", "clarification")
IN_HISTORY = "follow-up and clarification turns"


@dataclass(frozen=True)
class Turn:
    """The last turn of a conversation. `history` is (role, content), oldest first; `relevant` are keys of passages."""

    key: str
    question: str
    history: tuple[tuple[str, str], ...]
    relevant: frozenset[str]
    answerability: str
    kind: str

    @property
    def half(self) -> str:
        """Turns of one conversation are in the same half; see bench.quality.questions for what halves are for."""
        conversation = self.key.partition("<::>")[0]
        return HALVES[zlib.crc32(conversation.encode()) % 2]

    @property
    def last_two(self) -> str:
        """The visitor's last two questions, this one included."""
        said = [content for role, content in self.history if role == "user"]
        return " ".join([*said[-1:], self.question])


def load_turns(folder: Path) -> tuple[JudgedSet, list[Turn]]:
    rows = [json.loads(line) for line in (folder / "corpus.jsonl").read_text().splitlines()]
    # Some texts are in the corpus twice, and both are judged relevant: they are one, as no visitor reads one twice.
    first_of = {row["text"].strip(): str(row["_id"]) for row in reversed(rows)}
    same = {str(row["_id"]): first_of[row["text"].strip()] for row in rows}
    documents = tuple(
        (key, row.get("title") or "", row["text"])
        for row in rows
        if same[key := str(row["_id"])] == key
    )
    turns = [
        Turn(
            row["_id"], row["question"], tuple((each["role"], each["content"]) for each in row["history"]),
            frozenset(same[key] for key in row["relevant"]), row["answerability"], row["turn_kind"],
        )
        for row in map(json.loads, (folder / "turns.jsonl").read_text().splitlines())
    ]  # fmt: skip
    return JudgedSet(documents, (), {}), turns


def measure_dialogues(report: Report, folder: Path, *, quick: bool, show: bool) -> None:
    judged, turns = load_turns(folder)
    turns = turns[::3] if quick else turns
    with tenant_context(make_tenant("dialogues")):
        bot = make_bot("Clerk")
        keys = teach_documents(bot, judged)
        with bot_set(bot, passage_count=DEPTH):
            ours = asyncio.run(ask_all(bot, turns))
        usual = asyncio.run(ask_all(bot, turns))
        alone = asyncio.run(search_all(bot, [turn.question for turn in turns]))
        last_two = asyncio.run(search_all(bot, [turn.last_two for turn in turns]))
    ranked = [[keys[each] for each in reply.found if each in keys] for reply in ours]
    report_order(
        report, turns, ranked,
        {"last question alone": name_all(alone, keys), "last two questions": name_all(last_two, keys)},
    )  # fmt: skip
    report_declined(report, turns, usual)
    if show:
        show_turns(turns, ranked, name_all(alone, keys), usual)


async def ask_all(bot: BotProfile, turns: Sequence[Turn]) -> list[Reply]:
    """Whole turns: what the product makes of the history is its own affair, and read from the trace."""
    return [await ask(bot, turn.question, history=turn.history) for turn in turns]


async def search_all(bot: BotProfile, texts: Sequence[str]) -> list[list[uuid.UUID]]:
    return [[each.chunk_id for each in (await search(bot, text)).passages] for text in texts]


def name_all(
    found: Sequence[Sequence[uuid.UUID]], keys: Mapping[uuid.UUID, str]
) -> list[list[str]]:
    return [[keys[each] for each in row] for row in found]


def report_order(
    report: Report, turns: Sequence[Turn], ranked: Sequence[Sequence[str]],
    baselines: Mapping[str, Sequence[Sequence[str]]],
) -> None:  # fmt: skip
    groups = {
        IN_HISTORY: [
            number for number, turn in enumerate(turns) if turn.relevant and turn.kind in IN_CONTEXT
        ],
        "turns without history": [
            number for number, turn in enumerate(turns) if turn.relevant and not turn.history
        ],
    }
    for name, chosen in groups.items():
        if not chosen:
            continue

        def mean(rows: Sequence[Sequence[str]], chosen: Sequence[int] = chosen) -> float:
            return measure_orders(
                {turns[each].key: rows[each] for each in chosen},
                {turns[each].key: dict.fromkeys(turns[each].relevant, 1) for each in chosen},
            ).ndcg

        said = [f"{other} {mean(rows):.3f}" for other, rows in baselines.items()]
        for half in HALVES:
            if own := [each for each in chosen if turns[each].half == half]:
                said.append(f"{half} half {mean(ranked, own):.3f}")
        alone = mean(next(iter(baselines.values())))
        budget = (
            Budget(0.91, at_least=True)
            if name == IN_HISTORY
            else Budget(alone - 0.0005, at_least=True, why="(alone)")
        )
        report.add(
            "dialogues", f"nDCG@10 of {name}", mean(ranked), "", budget,
            note="; ".join([f"{len(chosen)} turns", *said]),
        )  # fmt: skip


def report_declined(report: Report, turns: Sequence[Turn], replies: Sequence[Reply]) -> None:
    """Whole turns with the bot's own settings; a question back counts as neither declined nor answered."""
    wanted = {
        "answerable": Budget(0.10), "partial": None, "underspecified": None,
        "unanswerable": Budget(0.60, at_least=True),
    }  # fmt: skip
    for answerability, budget in wanted.items():
        own = {
            turn: reply
            for turn, reply in zip(turns, replies, strict=True)
            if turn.answerability == answerability
        }
        if own:
            declined = sum(reply.is_declined for reply in own.values())
            answered = sum(reply.is_answered for reply in own.values())
            halves = "; ".join(count_declined(own, half) for half in HALVES)
            report.add(
                "dialogues", f"{answerability}: declined", declined / len(own), "%", budget,
                note=f"{declined}/{len(own)}; answered {answered}; {halves}",
            )  # fmt: skip


def count_declined(replies: Mapping[Turn, Reply], half: str) -> str:
    own = [reply for turn, reply in replies.items() if turn.half == half]
    return f"{half} half {sum(reply.is_declined for reply in own)}/{len(own)}"


def show_turns(
    turns: Sequence[Turn], ranked: Sequence[Sequence[str]], alone: Sequence[Sequence[str]],
    replies: Sequence[Reply],
) -> None:  # fmt: skip
    """Print turns that were declined wrongly or not, and those found worse than at nDCG .5."""
    for turn, ours, theirs, reply in zip(turns, ranked, alone, replies, strict=True):
        relevant = dict.fromkeys(turn.relevant, 1)
        found, before = measure_ndcg(ours, relevant), measure_ndcg(theirs, relevant)
        is_wrong = reply.is_declined == (turn.answerability in ("answerable", "partial"))
        if (turn.answerability != "underspecified" and is_wrong) or (turn.relevant and found < 0.5):
            asked = [content for role, content in turn.history if role == "user"][-2:]
            print(
                f"\n{turn.key} ({turn.kind}, {turn.answerability}, {turn.half}): nDCG {found:.2f}, alone {before:.2f}, "
                f"{reply.outcome}, sure {reply.sureness}\n    before: {' | '.join(asked)}\n"
                f"    asked:  {turn.question}\n    said:   {' '.join(reply.text.split())[:300]}",
                flush=True,
            )
