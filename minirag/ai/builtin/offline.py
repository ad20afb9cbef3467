"""The answerer that needs no model provider: it quotes the sentences that answer the question, each with its citation.

Which sentences those are is `scoring`'s to say. Here they become an answer: in reading order, a list as a list, steps
whole and in their order, and the paragraph below a heading that asks the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from minirag.ai.builtin.checking import Check, Quoted, Signs, check_quotes
from minirag.ai.builtin.scoring import (
    AMONG_FEW,
    AMONG_MANY,
    Scored,
    name_place,
    score_candidates,
)
from minirag.ai.builtin.sentences.agreeing import (
    answers_its_heading,
    leave_out_answer,
    name_its_question,
)
from minirag.ai.builtin.sentences.asked import read_asked
from minirag.ai.builtin.sentences.candidates import (
    Candidate,
    OfflinePassage,
    add_meanings,
    list_candidates,
    read_variants,
)
from minirag.ai.builtin.sentences.completing import (
    answer_below,
    compare_heading,
    complete_lists,
    complete_paragraph,
    put_in_order,
)
from minirag.ai.builtin.sentences.leaning import add_leads
from minirag.ai.builtin.sentences.meaning import (
    SentenceEmbedder,
    SentenceReader,
    read_missing,
)
from minirag.ai.builtin.sentences.question_words import weigh_words
from minirag.ai.builtin.sentences.rows import (
    find_extreme_rows,
    is_one_list,
    lacks_extreme,
    leave_out_lesser_rows,
    name_extremes,
)
from minirag.ai.builtin.sentences.taken_up import Strictness
from minirag.ai.builtin.sentences.turned import name_what_turns
from minirag.lib.asking.answer_types import Asked
from minirag.lib.text.short_texts import decide_language

NOT_FOUND = "I could not find this in my sources."
SENTENCES = 2
# One more sentence than asked for is quoted when it is nearly as good as the best.
EXTRA_SENTENCE_RATIO = 0.8
# What is much worse than the best says nothing of the question.
LEAST_SENTENCE_RATIO = 0.6
EXTREME = "extreme"
# How much of a question a heading has to ask as well, for its yes or no to be the question's.
ASKS_ALIKE = 0.5


@dataclass(frozen=True)
class Part:
    """One of the questions that a question consists of, and what was asked `before` it. `leans`: alone it says nothing
    of what it asks about.
    """

    question: str
    before: str = ""
    leans: bool = False


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
    parts: Sequence[Part] = (),
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
    spoken: str = "",
) -> OfflineAnswer:
    """`compose_answer`, and with a `strictness` whether it answers the question (see checking, also for the rest).

    Of a question with several `parts` each is answered for itself. Where not all have an answer, the whole is; and
    where that has none, those that have one, but for a part that leans on one without.
    `languages` are the passages', by their numbers, where they are known; `spoken` is the question's.
    """
    candidates = list_candidates(passages, languages)
    variants = add_meanings(f"{question} {before}", candidates, variants or {})
    candidates = read_variants(candidates, variants)
    if not candidates:
        return OfflineAnswer(NOT_FOUND, Check(False, 0.0) if strictness else None)
    answering = _Answering(
        candidates, variants, term_weights or {}, embed, read, is_multilingual, strictness, margin, lead,
        spoken,
    )  # fmt: skip
    answered = answering.quote_all(Part(question, before, leans=True), parts, sentences)
    indices = put_in_order(candidates, chain.from_iterable(each.said for each in answered))
    quotations = [candidates[index] for index in indices]
    said = [
        leave_out_answer(each)
        if answers_its_heading(each) and not answering.asks_alike(each, answered)
        else each
        for each in quotations
    ]
    checks = [each.check for each in answered if each.check]
    return OfflineAnswer(
        write_answer([each for each in said if each] or list(map(name_its_question, quotations))),
        max(checks, key=lambda check: check.sureness, default=None),
    )


@dataclass(frozen=True)
class _Quotation:
    """What is `said` to one question: the candidates' numbers in reading order."""

    part: Part
    said: list[int]
    check: Check | None

    @property
    def is_answer(self) -> bool:
        return self.check is None or self.check.is_answered


@dataclass(frozen=True)
class _Answering:
    """What stays the same in all parts of a question."""

    candidates: Sequence[Candidate]
    variants: Mapping[str, Sequence[str]]
    term_weights: Mapping[str, float]
    embed: SentenceEmbedder | None
    read: SentenceReader | None
    is_multilingual: bool
    strictness: Strictness | None
    margin: float
    lead: float | None
    spoken: str

    def quote_all(self, whole: Part, parts: Sequence[Part], sentences: int) -> list[_Quotation]:
        each_has = max(sentences // len(parts), 1) if parts else sentences
        quoted = [self.quote(part, each_has) for part in parts]
        if quoted and all(each.is_answer for each in quoted):
            return quoted
        together = self.quote(whole, sentences)
        if together.is_answer or not quoted:
            return [together]
        knows_first = quoted[0].is_answer
        return [
            each for part, each in zip(parts, quoted, strict=True)
            if each.is_answer and (knows_first or not part.leans)
        ] or [together]  # fmt: skip

    def quote(self, part: Part, sentences: int) -> _Quotation:
        candidates, question = self.candidates, part.question
        scored = score_candidates(
            question, candidates, self.term_weights, self.embed, part.before,
            is_multilingual=self.is_multilingual, read=self.read,
            ordering=AMONG_MANY if self.lead is not None else AMONG_FEW, spoken=self.spoken,
        )  # fmt: skip
        chosen = choose_sentences(candidates, scored.scores, sentences)
        language = candidates[chosen[0]].language
        words = weigh_words(question, language, self.term_weights, self.spoken)
        chosen = leave_out_lesser_rows(words, candidates, chosen, scored.scores, self.variants)
        asked_in = decide_language(question, [*filter(None, [self.spoken]), language])
        extreme = find_extreme_rows(question, words, candidates, chosen, scored.scores, asked_in)
        chosen = extreme or chosen
        chosen = answer_below(
            question, candidates, chosen, self.term_weights, self.variants, part.before, self.spoken
        )
        asked = read_asked(question, candidates, spoken=self.spoken)
        chosen = complete_lists(candidates, chosen, asked)
        said = add_leads(candidates, chosen)
        if sentences > 1:
            best = max(chosen, key=scored.scores.__getitem__)
            said += complete_paragraph(candidates, best, asked)
        said = put_in_order(candidates, said)
        if not self.strictness:
            return _Quotation(part, said, None)
        chosen_by = name_extremes(question, asked_in) if extreme else ()
        check = self._check(part, chosen, scored, asked, self.strictness, chosen_by)
        if (
            not extreme
            and asked_in == language
            and lacks_extreme(question, [candidates[each] for each in chosen], asked_in)
        ):
            check = replace(check, is_answered=False, lacks=check.lacks or EXTREME)
        return _Quotation(part, said, check)

    def asks_alike(self, candidate: Candidate, answered: Sequence[_Quotation]) -> bool:
        """Whether one of the questions asks what the sentence's heading does."""
        language, weights, spoken = candidate.language, self.term_weights, self.spoken
        return any(
            compare_heading(
                weigh_words(each.part.question, language, weights, spoken), candidate.title, language,
                self.variants, weigh_words(each.part.before, language, weights, spoken),
            ) >= ASKS_ALIKE
            for each in answered
        )  # fmt: skip

    def _check(
        self,
        part: Part,
        chosen: Sequence[int],
        scored: Scored,
        asked: Asked,
        strictness: Strictness,
        chosen_by: Collection[str],
    ) -> Check:
        quoted = [self.candidates[index] for index in chosen]
        language = Counter(each.language for each in quoted).most_common(1)[0][0]
        meanings = [scored.meanings[index] for index in chosen] if scored.meanings else []
        if self.read is not None and meanings:
            places = [name_place(each) for each in quoted]
            meanings = read_missing(part.question, places, meanings, self.read)
        signs = Signs(
            scored.best,
            self.margin,
            self.lead,
            meanings if self.read is not None else (),
            chosen_by,
        )
        return check_quotes(
            part.question, [quote(each) for each in quoted], signs,
            asked=asked, before=part.before if part.leans else "", language=language,
            spoken=self.spoken,
            is_abroad=self.is_multilingual and decide_language(part.question, [language]) != language,
            term_weights=self.term_weights, variants=self.variants, strictness=strictness,
            embed=self.embed, is_multilingual=self.is_multilingual,
        )  # fmt: skip


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


def write_answer(chosen: Sequence[Candidate]) -> str:
    """Sentences in a row, and two or more items of one list below each other as Markdown; a heading without which
    a sentence would say the opposite stands before it.
    """
    parts: list[str] = []
    was_list, above = False, ""
    for position, candidate in enumerate(chosen):
        beside = [*chosen[max(position - 1, 0) : position], *chosen[position + 1 : position + 2]]
        is_list = bool(candidate.marker) and any(is_one_list(candidate, each) for each in beside)
        turned = name_what_turns(candidate)
        said = f"{turned}: {candidate.text}" if turned and turned != above else candidate.text
        above = turned
        text = f"{candidate.marker} {said}" if is_list else close_sentence(said)
        if parts:
            parts.append("\n" if is_list and was_list else "\n\n" if is_list or was_list else " ")
        parts.append(f"{text} [{candidate.passage.number}]")
        was_list = is_list
    return "".join(parts)


def close_sentence(text: str) -> str:
    """List items and table rows often lack a full stop, which would run two quotations together."""
    return text + "." if text[-1:].isalnum() or text[-1:] in ")]%€$\"'”" else text


PIECE = re.compile(r"\S+\s*")


def split_pieces(answer: str) -> list[str]:
    """The answer word by word, for streaming; joined they are the answer."""
    return PIECE.findall(answer)
