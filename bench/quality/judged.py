"""Public judged sets: how well search orders, where the answer's sentence is, and whether strangers are told apart."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.quality.asking import make_bot, make_tenant, search, teach_documents
from bench.quality.dialogues import load_turns
from bench.quality.metrics import measure_orders
from bench.quality.questions import load_base
from bench.report import Budget, Report
from bots.models import BotProfile
from knowledge.retrieval.evaluation import load_judged_set
from knowledge.retrieval.passages import measure_lead
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.local import find_sentence_embedder, find_sentence_reader, is_multilingual
from minirag.ai.builtin.offline import answer_question
from minirag.ai.builtin.scoring import score_candidates
from minirag.ai.builtin.sentences.candidates import OfflinePassage, list_candidates
from tenants.context import tenant_context
from tenants.models import Tenant

# set: (questions asked, with --quick, nDCG@10 to reach)
SETS = {"scifact": (300, 100, 0.745), "squad": (3000, 300, 0.925), "xquad_de": (1190, 200, 0.955)}
SENTENCES = {1: 0.80, 2: 0.88, 3: 0.91}
PASSAGES = 5
CITED = re.compile(r"\[\d+\]")
STRANGERS = 150
SAME_TOPICS = ({"squad", "xquad_de"}, {"squad", "dialogues"})  # both are of Wikipedia


@dataclass(frozen=True)
class Taught:
    """A set that a bot of its own tenant knows, kept for the sections that need it."""

    tenant: Tenant
    bot: BotProfile
    keys: Mapping[object, str]


class Library:
    """The sets under a folder, each taught once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taught: dict[str, Taught] = {}

    def has(self, name: str) -> bool:
        return (self.folder / name / "corpus.jsonl").is_file()

    def teach(self, name: str) -> Taught:
        if name not in self._taught:
            folder = self.folder / name
            judged = load_turns(folder)[0] if name == "dialogues" else load_judged_set(folder)
            tenant = make_tenant(f"set_{name}")
            with tenant_context(tenant):
                bot = make_bot(name)
                self._taught[name] = Taught(tenant, bot, teach_documents(bot, judged))
        return self._taught[name]


def measure_order(report: Report, library: Library, name: str, *, quick: bool) -> None:
    """nDCG@10 of a set, next to words alone and meaning alone."""
    whole, few, to_reach = SETS[name]
    judged = load_judged_set(library.folder / name, limit=few if quick else whole)
    taught = library.teach(name)
    figures = {}
    with tenant_context(taught.tenant):
        for weight in (None, 0.0, 1.0):
            taught.bot.dense_weight = weight
            found = asyncio.run(search_all(taught.bot, [text for _, text in judged.queries]))
            runs = {
                key: [taught.keys[each.chunk_id] for each in row.passages]
                for (key, _), row in zip(judged.queries, found, strict=True)
            }
            figures[weight] = measure_orders(runs, judged.judgements)
        taught.bot.dense_weight = None
    ours = figures[None]
    report.add(
        name, "nDCG@10", ours.ndcg, "", Budget(to_reach, at_least=True),
        note=f"{len(judged.queries)} questions; recall {ours.recall:.3f}; words alone {figures[0.0].ndcg:.3f}; "
        f"meaning alone {figures[1.0].ndcg:.3f}",
    )  # fmt: skip


async def search_all(bot: BotProfile, texts: Sequence[str], limit: int = 10) -> list[Retrieval]:
    return [await search(bot, text, limit=limit) for text in texts]


def measure_sentences(report: Report, library: Library, *, quick: bool) -> None:
    """SQuAD: whether the sentences that the offline answerer ranks first hold an answer that people gave."""
    rows = [
        json.loads(line)
        for line in (library.folder / "squad" / "queries.jsonl").read_text().splitlines()
    ]
    wanted = 150 if quick else 1000
    rows = [rows[number * len(rows) // wanted] for number in range(wanted)]
    taught = library.teach("squad")
    with tenant_context(taught.tenant):
        found = asyncio.run(search_all(taught.bot, [row["text"] for row in rows], PASSAGES))
    ranked = [rank_sentences(row["text"], each) for row, each in zip(rows, found, strict=True)]
    quoted = [quote(row["text"], each) for row, each in zip(rows, found, strict=True)]
    firsts = [each.passages[0].content if each.passages else "" for each in found]
    for count, to_reach in SENTENCES.items():
        hits = [
            holds(row["answers"], sentences[:count])
            for row, sentences in zip(rows, ranked, strict=True)
        ]
        first = [
            holds(row["answers"], first_sentences(text, count))
            for row, text in zip(rows, firsts, strict=True)
        ]
        report.add(
            "sentences", f"SQuAD: an answer in {count} of the best sentences", fmean(hits), "",
            Budget(to_reach, at_least=True),
            note=f"{len(rows)} questions; first sentences of the best passage {fmean(first):.3f}",
        )  # fmt: skip
    count = fmean(len(CITED.findall(each)) for each in quoted)
    report.add(
        "sentences", "SQuAD: an answer in what is quoted", fmean(
            holds(row["answers"], [each]) for row, each in zip(rows, quoted, strict=True)
        ), "", note=f"{count:.1f} sentences on average",
    )  # fmt: skip


def quote(question: str, found: Retrieval) -> str:
    """The whole answer as a visitor gets it, where it is not declined."""
    return answer_question(
        question,
        number_passages(found),
        term_weights=found.term_weights,
        lead=measure_lead(found.passages, found.rows),
        **choose_embedder(found),
    ).text


def choose_embedder(found: Retrieval) -> dict[str, Any]:
    """What the product chooses sentences with after this search."""
    model = found.embedding_model
    multilingual = model is not None and is_multilingual(model)
    return {
        "embed": find_sentence_embedder(model),
        "read": find_sentence_reader(model),
        "is_multilingual": multilingual,
    }


def number_passages(found: Retrieval) -> list[OfflinePassage]:
    return [
        OfflinePassage(number, each.heading, each.content, each.score)
        for number, each in enumerate(found.passages, start=1)
    ]


def rank_sentences(question: str, found: Retrieval) -> list[str]:
    """The sentences that may be quoted, in the product's own order of merit."""
    candidates = list_candidates(number_passages(found))
    scores = score_candidates(
        question, candidates, found.term_weights, **choose_embedder(found)
    ).scores
    order = sorted(range(len(scores)), key=lambda each: -scores[each])
    return [candidates[each].text for each in order]


def first_sentences(text: str, count: int) -> list[str]:
    return [each.text for each in list_candidates([OfflinePassage(1, "", text, 1.0)])[:count]]


def holds(answers: Sequence[str], sentences: Sequence[str]) -> bool:
    said = " ".join(sentences).casefold()
    return any(answer.casefold() in said for answer in answers)


def measure_strangers(report: Report, library: Library, *, quick: bool) -> None:
    """Each index asked its own questions and those of others: AUROC of the confidence, and what its floor does."""
    count = 40 if quick else STRANGERS
    questions = load_question_sets(library, count)
    indexes = [name for name in (*SETS, "dialogues") if name in questions]
    if not indexes:
        print(f"  SKIPPED strangers: there is no set in {library.folder}", flush=True)
    for index in indexes:
        taught = library.teach(index)
        with tenant_context(taught.tenant):
            own = asyncio.run(search_all(taught.bot, questions[index], 1))
            missed = fmean(each.is_weak for each in own)
            for name, texts in questions.items():
                if name == index or {name, index} in SAME_TOPICS:
                    continue
                strange = asyncio.run(search_all(taught.bot, texts, 1))
                report.add(
                    "strangers", f"{index} asked {name}: AUROC", rank_share(
                        [each.confidence for each in own], [each.confidence for each in strange]
                    ), "", Budget(0.98, at_least=True),
                    note=f"declined: own {missed:.1%}, strange {fmean(each.is_weak for each in strange):.1%}",
                )  # fmt: skip


def load_question_sets(library: Library, count: int) -> dict[str, list[str]]:
    sets: dict[str, list[str]] = {}
    for name in SETS:
        if library.has(name):
            judged = load_judged_set(library.folder / name, limit=count)
            sets[name] = [text for _, text in judged.queries]
    if library.has("dialogues"):
        turns = load_turns(library.folder / "dialogues")[1]
        sets["dialogues"] = [turn.last_two for turn in turns if turn.relevant][:count]
    for name in ("shop", "town"):
        sets[name] = [each.text for each in load_base(name).questions if each.kind == "plain"]
    return sets


def rank_share(own: Sequence[float], strange: Sequence[float]) -> float:
    """AUROC: how often one of our own scores above a strange one, ties counted half."""
    wins = sum((a > b) + 0.5 * (a == b) for a in own for b in strange)
    return wins / (len(own) * len(strange))
