"""The answerer that needs no model provider: it quotes the sentences that answer the question, each with its citation.

Which sentences those are is `scoring`'s to say. Here they become an answer: in reading order, a list as a list, steps
whole and in their order, and the paragraph below a heading that asks the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from minirag.ai.builtin.checking import Check, Quoted, Signs, check_quotes
from minirag.ai.builtin.scoring import (
    AMONG_FEW,
    AMONG_MANY,
    name_place,
    read_asked,
    score_candidates,
)
from minirag.ai.builtin.sentences.candidates import (
    QUESTION_MARKS,
    Candidate,
    OfflinePassage,
    add_meanings,
    list_candidates,
    read_variants,
)
from minirag.ai.builtin.sentences.leaning import add_leads
from minirag.ai.builtin.sentences.meaning import (
    SentenceEmbedder,
    SentenceReader,
    read_missing,
)
from minirag.ai.builtin.sentences.question_words import Word, find_word, weigh_words
from minirag.ai.builtin.sentences.taken_up import Strictness
from minirag.lib.asking.answer_types import Asked
from minirag.lib.text import analysis
from minirag.lib.text.short_texts import decide_language

NOT_FOUND = "I could not find this in my sources."
SENTENCES = 2
# One more sentence than asked for is quoted when it is nearly as good as the best.
EXTRA_SENTENCE_RATIO = 0.8
# What is much worse than the best says nothing of the question.
LEAST_SENTENCE_RATIO = 0.6
MOST_ITEMS, LONGEST_LIST = 15, 1500
LONGEST_PARAGRAPH = 3
SAME_QUESTION, FOUND = 0.7, 0.8


@dataclass(frozen=True)
class OfflineAnswer:
    """What is said, and whether that answers the question as far as it was checked."""

    text: str
    check: Check | None = None


def compose_answer(
    question: str,
    passages: Sequence[OfflinePassage],
    *,
    before: str = "",
    term_weights: Mapping[str, float] | None = None,
    embed: SentenceEmbedder | None = None,
    is_multilingual: bool = False,
    read: SentenceReader | None = None,
    sentences: int = SENTENCES,
) -> str:
    """The whole answer: quoted sentences, each followed by its passage's ` [n]`; NOT_FOUND when there is nothing.

    `term_weights` are the idf values of the question's analysed terms among the tenant's documents; without them the
    passages themselves are counted. `before` is what was asked before, of a question that leans on it.
    `embed` is used where passages are in English, or always if it `is_multilingual`; sentences by `read` where there is
    one. Blocks for about 4 ms a sentence with it: call it in a thread.
    """
    return answer_question(
        question,
        passages,
        before=before,
        term_weights=term_weights,
        embed=embed,
        is_multilingual=is_multilingual,
        read=read,
        sentences=sentences,
    ).text


def is_english(question: str, languages: Collection[str]) -> bool:
    """Whether most of the passages' languages are English, and the question's as well."""
    english = sum(language == "en" for language in languages)
    return 2 * english > len(languages) and decide_language(question, ["en"]) == "en"


def answer_question(
    question: str,
    passages: Sequence[OfflinePassage],
    *,
    before: str = "",
    term_weights: Mapping[str, float] | None = None,
    embed: SentenceEmbedder | None = None,
    is_multilingual: bool = False,
    read: SentenceReader | None = None,
    sentences: int = SENTENCES,
    variants: Mapping[str, Sequence[str]] | None = None,
    strictness: Strictness | None = None,
    margin: float = 0.0,
    lead: float | None = None,
    languages: Mapping[int, str] | None = None,
) -> OfflineAnswer:
    """`compose_answer`, and with a `strictness` whether it answers the question (see checking, also for the rest).

    `languages` are the passages', by their numbers, where they are known.
    """
    candidates = list_candidates(passages, languages)
    variants = add_meanings(f"{question} {before}", candidates, variants or {})
    candidates = read_variants(candidates, variants)
    if not candidates:
        return OfflineAnswer(NOT_FOUND, Check(False, 0.0) if strictness else None)
    scored = score_candidates(
        question, candidates, term_weights or {}, embed, before,
        is_multilingual=is_multilingual, read=read, ordering=AMONG_MANY if lead is not None else AMONG_FEW,
    )  # fmt: skip
    scores = scored.scores
    indices = choose_sentences(candidates, scores, sentences)
    indices = leave_out_lesser_rows(question, candidates, indices, scores)
    indices = answer_below(question, candidates, indices, term_weights or {}, variants)
    indices = complete_lists(candidates, indices, read_asked(question, candidates))
    chosen = [candidates[index] for index in indices]
    said = put_in_order(candidates, add_leads(candidates, indices))
    text = write_answer([candidates[index] for index in said])
    if strictness is None:
        return OfflineAnswer(text)
    language = Counter(each.language for each in chosen).most_common(1)[0][0]
    quoted = [scored.meanings[index] for index in indices] if scored.meanings else []
    if read is not None and quoted:
        quoted = read_missing(question, [name_place(each) for each in chosen], quoted, read)
    signs = Signs(scored.best, margin, lead, quoted if read is not None else ())
    check = check_quotes(
        question, [quote(each) for each in chosen], signs,
        asked=read_asked(question, candidates), before=before, language=language,
        is_abroad=is_multilingual and decide_language(question, [language]) != language,
        term_weights=term_weights or {}, variants=variants, strictness=strictness, embed=embed,
        is_multilingual=is_multilingual,
    )  # fmt: skip
    return OfflineAnswer(text, check)


def quote(candidate: Candidate) -> Quoted:
    """A sentence with all that it stands under."""
    passage = candidate.passage
    return Quoted(candidate.text, f"{passage.page_title} {passage.heading} {candidate.context}")


def choose_sentences(
    candidates: Sequence[Candidate], scores: Sequence[float], count: int
) -> list[int]:
    """Indices to quote: the best passage first, and a passage's sentences in their original order."""
    ranked = sorted(range(len(scores)), key=lambda index: -scores[index])
    least = LEAST_SENTENCE_RATIO * scores[ranked[0]]
    chosen = [index for index in ranked[:count] if scores[index] >= least or index == ranked[0]]
    if (
        len(ranked) > count
        and scores[ranked[count]] >= EXTRA_SENTENCE_RATIO * scores[ranked[0]] > 0
    ):
        chosen.append(ranked[count])
    return put_in_order(candidates, chosen)


def leave_out_lesser_rows(
    question: str, candidates: Sequence[Candidate], chosen: Sequence[int], scores: Sequence[float]
) -> list[int]:
    """Without the rows and items that have less of the question's words, or codes, than a better one beside them.

    Asked for E24, the row of E25 has all of the words but one.
    """

    def has_less(index: int, other: int) -> bool:
        row, better = candidates[index], candidates[other]
        if not _are_beside(row, better):
            return False
        terms = set(analysis.analyse(question, better.language))
        codes = {term for term in terms if not term.isalpha() and not term.isdigit()}
        if codes.intersection(row.terms) < codes.intersection(better.terms):
            return True
        has_fewer = terms.intersection(row.terms) < terms.intersection(better.terms)
        return has_fewer and scores[other] > scores[index]

    return [index for index in chosen if not any(has_less(index, other) for other in chosen)]


def _are_beside(row: Candidate, other: Candidate) -> bool:
    """Whether they are of one list or of one table, which may have been cut into several passages."""
    if row.columns or other.columns:
        return row.columns == other.columns and row.passage.page_title == other.passage.page_title
    return bool(row.marker and other.marker) and _is_one_list(row, other)


def put_in_order(candidates: Sequence[Candidate], chosen: Iterable[int]) -> list[int]:
    """Passages as they come first among the chosen, and the sentences of each as they are read."""
    ranks: dict[int, int] = {}
    chosen = list(dict.fromkeys(chosen))
    for index in chosen:
        ranks.setdefault(candidates[index].passage.number, len(ranks))
    return sorted(
        chosen, key=lambda i: (ranks[candidates[i].passage.number], candidates[i].position)
    )


def answer_below(
    question: str,
    candidates: Sequence[Candidate],
    chosen: list[int],
    term_weights: Mapping[str, float],
    variants: Mapping[str, Sequence[str]],
) -> list[int]:
    """Where a heading asks the same question: what stands first below it, and no other passage."""
    asked: dict[tuple[int, str], float] = {}
    for each in candidates:
        key = (each.passage.number, each.title)
        if each.title.endswith(QUESTION_MARKS) and key not in asked:
            words = weigh_words(question, each.language, term_weights)
            asked[key] = compare_heading(words, each.title, each.language, variants)
    best = max(
        asked, key=lambda key: (asked[key], key == _place_of(candidates[chosen[0]])), default=None
    )
    if best is None or asked[best] < SAME_QUESTION:
        return chosen
    below = [index for index, each in enumerate(candidates) if _place_of(each) == best]
    first = [index for index in below if candidates[index].block == candidates[below[0]].block]
    return put_in_order(
        candidates, [*first[:LONGEST_PARAGRAPH], *(each for each in chosen if each in below)]
    )


def _place_of(candidate: Candidate) -> tuple[int, str]:
    return candidate.passage.number, candidate.title


def compare_heading(
    words: Sequence[Word], heading: str, language: str, variants: Mapping[str, Sequence[str]]
) -> float:
    """The share (0 to 1) of a question's weight that a heading has; 0 where it asks for much else."""
    terms = frozenset(analysis.analyse(heading, language))
    found = [word for word in words if find_word(word, terms, variants) >= FOUND]
    said = sum(not word.is_framing for word in weigh_words(heading, language, {}))
    if 2 * sum(not word.is_framing for word in found) <= said:
        return 0.0
    return sum(word.weight for word in found) / (sum(word.weight for word in words) or 1.0)


def complete_lists(
    candidates: Sequence[Candidate], chosen: Sequence[int], asked: Asked
) -> list[int]:
    """Add what a quotation would be useless without: the list behind "You need:", and all of a list, or of steps,
    where several things are asked for; its lead-in as well.
    """
    complete: list[int] = []
    for index in chosen:
        complete.append(index)
        candidate = candidates[index]
        if candidate.text.endswith((":", "：")) and not candidate.marker:
            complete += _list_below(candidates, index)
        elif candidate.marker and asked.wants_several:
            complete += _list_around(candidates, index)
    return put_in_order(candidates, complete)


def _list_below(candidates: Sequence[Candidate], index: int) -> list[int]:
    below = candidates[index + 1 : index + 2]
    if not below or not below[0].marker or below[0].passage is not candidates[index].passage:
        return []
    return _bound_list(candidates, _block_of(candidates, index + 1), index + 1)


def _list_around(candidates: Sequence[Candidate], index: int) -> list[int]:
    block = _block_of(candidates, index)
    before = block[0] - 1
    leads = (
        before >= 0
        and candidates[before].passage is candidates[index].passage
        and candidates[before].text.endswith((":", "："))
    )
    return [before] * leads + _bound_list(candidates, block, index)


def _block_of(candidates: Sequence[Candidate], index: int) -> list[int]:
    mine = candidates[index]
    return [
        other
        for other, each in enumerate(candidates)
        if each.passage is mine.passage and each.block == mine.block
    ]


def _bound_list(candidates: Sequence[Candidate], block: list[int], index: int) -> list[int]:
    """The list, or of a long one as much as may be quoted: from its beginning, or from the item that was found."""
    start = 0 if block.index(index) < MOST_ITEMS else block.index(index)
    kept, length = [], 0
    for each in block[start : start + MOST_ITEMS]:
        length += len(candidates[each].text)
        if length > LONGEST_LIST:
            break
        kept.append(each)
    return kept


def write_answer(chosen: Sequence[Candidate]) -> str:
    """Sentences in a row, and two or more items of one list below each other as Markdown."""
    parts: list[str] = []
    was_list = False
    for position, candidate in enumerate(chosen):
        beside = [*chosen[max(position - 1, 0) : position], *chosen[position + 1 : position + 2]]
        is_list = bool(candidate.marker) and any(_is_one_list(candidate, each) for each in beside)
        text = f"{candidate.marker} {candidate.text}" if is_list else close_sentence(candidate.text)
        if parts:
            parts.append("\n" if is_list and was_list else "\n\n" if is_list or was_list else " ")
        parts.append(f"{text} [{candidate.passage.number}]")
        was_list = is_list
    return "".join(parts)


def _is_one_list(one: Candidate, other: Candidate) -> bool:
    return one.passage is other.passage and one.block == other.block


def close_sentence(text: str) -> str:
    """List items and table rows often lack a full stop, which would run two quotations together."""
    return text + "." if text[-1:].isalnum() or text[-1:] in ")]%€$\"'”" else text


PIECE = re.compile(r"\S+\s*")


def split_pieces(answer: str) -> list[str]:
    """The answer word by word, for streaming; joined they are the answer."""
    return PIECE.findall(answer)
