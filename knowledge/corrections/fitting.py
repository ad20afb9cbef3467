"""What corrections stand for among the chunks of a source as it says them now: `fit`. Pure, and the only place for it.

A correction is anchored by the text that a person saw. It is carried over by itself only where that is certain:

* the same text stands in the same document under the same heading;
* the same text stands under another heading, or in another document of the source, once, and was not there before;
* the sentences that were changed stand word for word in one chunk under the same heading: cutting has shifted.

Otherwise it is a conflict. Then a text that somebody has switched off or corrected still does not answer: the closest
new chunks of its document are held until somebody decides, and the corrected text answers in their place. Where there
is nothing close the source says it no more, and neither does the correction. A source that has come to say what the
correction says has it at rest.

Neighbouring chunks repeat a little of each other. What a correction changes or switches off in its chunk it changes or
takes away where a neighbour repeats it, too.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from knowledge.corrections.nearness import Nearness, normalise, place_of, read_words, telling
from knowledge.corrections.patching import (
    CERTAIN_WORDS,
    Hunk,
    apply_change,
    count_words,
    find_change,
    holds_run,
    share_of_sentences,
    share_run,
)
from knowledge.indexing.chunking import ChunkDraft, hash_content
from knowledge.indexing.incoming import NewChunk
from knowledge.indexing.pieces import estimate_tokens
from knowledge.models import Correction, CorrectionState

CLOSE: Final = 0.5
"""Of an anchor's words, so many stand in a chunk of the same document that may be what has become of it."""
CLOSE_ELSEWHERE: Final = 0.8
PART: Final = 0.33
"""And so many in whole sentences in a further chunk that has some of it."""


@dataclass(frozen=True)
class Theirs:
    """A chunk as the source says it, and what was made of it: nothing, or a chunk with the corrected text.

    `is_held`: it does not answer itself. `is_echo`: a neighbour that repeats a little of the corrected one.
    """

    chunk: NewChunk
    made: NewChunk | None = None
    is_held: bool = True
    is_echo: bool = False


@dataclass
class Outcome:
    """What a correction stands for now; `anchor` and `content` where they are others than before."""

    correction: Correction
    state: CorrectionState
    document_id: uuid.UUID
    theirs: list[Theirs] = field(default_factory=list)
    added: NewChunk | None = None
    anchor: ChunkDraft | None = None
    content: str | None = None


@dataclass(frozen=True)
class Fitted:
    """The chunks that answer, in the order of the source's own, and what became of each correction."""

    chunks: list[NewChunk]
    outcomes: list[Outcome]


def fit(
    corrections: Sequence[Correction], chunks: Sequence[NewChunk], languages: Mapping[uuid.UUID, str], *,
    known: Collection[uuid.UUID], moves: bool = True,
) -> Fitted:  # fmt: skip
    """Apply a source's corrections to its `chunks` as it says them now, of the documents that `languages` names.

    `known` are the chunks that it said before: what was there already is not what has become of another text. Without
    `moves` nothing is looked for in other documents, which others may be allowed to read.
    """
    if not corrections:
        return Fitted(list(chunks), [])
    return _Fitting(corrections, chunks, languages, known, moves=moves).fit()


def make_chunk(
    correction: Correction, like: NewChunk, content: str, *, is_pinned: bool
) -> NewChunk:
    """A chunk with a person's text. Its id comes from the correction and what is said, as all ids of chunks do."""
    draft = like.draft
    digest = hash_content(draft.heading, content)
    made = replace(
        draft, content=content, token_count=estimate_tokens([content])[0], content_hash=digest
    )
    name = f"correction {correction.pk} {like.id} {digest}"
    chunk_id = uuid.uuid5(correction.source_id, name)
    return NewChunk(chunk_id, like.document_id, like.language, made, is_pinned)


class _Fitting:
    def __init__(
        self, corrections: Sequence[Correction], chunks: Sequence[NewChunk], languages: Mapping[uuid.UUID, str],
        known: Collection[uuid.UUID], *, moves: bool,
    ) -> None:  # fmt: skip
        self.corrections, self.chunks = corrections, chunks
        self.languages, self.known, self.moves = languages, known, moves
        self.claimed: set[uuid.UUID] = set()
        self.own = {
            each.pk: {uuid.UUID(row["id"]) for row in each.theirs if not row.get("echo")}
            | set(each.chunk_ids)
            for each in corrections
        }
        self.echoes: dict[uuid.UUID, tuple[Outcome, int]] = {}
        self.near = Nearness(chunks)
        self.by_hash: dict[tuple[uuid.UUID, str], list[NewChunk]] = defaultdict(list)
        self.last: dict[uuid.UUID, int] = {}
        for chunk in chunks:
            self.by_hash[chunk.document_id, chunk.draft.content_hash].append(chunk)
            last = self.last.get(chunk.document_id, -1)
            self.last[chunk.document_id] = max(last, chunk.draft.ordinal)

    def fit(self) -> Fitted:
        found: dict[uuid.UUID, Outcome] = {}
        # What is certain comes first, so that nothing else takes its chunk.
        own = [each for each in self.corrections if not each.is_added]
        for look in (self._find_exact, self._find_moved, self._find_patched, self._find_close):
            for correction in own:
                if correction.pk not in found and (outcome := look(correction)) is not None:
                    found[correction.pk] = outcome
                    is_live = outcome.state == CorrectionState.LIVE
                    self.claimed.update(
                        each.chunk.id for each in outcome.theirs if is_live or each.is_held
                    )
        for correction in own:
            found.setdefault(correction.pk, self._lose(correction))
        for outcome in found.values():
            if outcome.state == CorrectionState.LIVE and not outcome.correction.holds:
                self.echoes[outcome.theirs[0].chunk.id] = (outcome, 0)
        for outcome in found.values():
            self._echo(outcome)
        counted: Counter[uuid.UUID] = Counter()
        for correction in self.corrections:
            if correction.is_added:
                found[correction.pk] = self._add(correction, counted)
        outcomes = [found[each.pk] for each in self.corrections]
        return Fitted(self._apply(outcomes), outcomes)

    def _apply(self, outcomes: Iterable[Outcome]) -> list[NewChunk]:
        taken: dict[uuid.UUID, NewChunk | None] = {}
        added: dict[uuid.UUID, list[NewChunk]] = defaultdict(list)
        for outcome in outcomes:
            for each in outcome.theirs:
                if each.is_held:
                    taken[each.chunk.id] = each.made
                elif outcome.state == CorrectionState.LIVE and outcome.correction.is_pinned:
                    taken[each.chunk.id] = replace(each.chunk, is_pinned=True)
            if outcome.added is not None:
                added[outcome.document_id].append(outcome.added)
        answering = [taken.get(chunk.id, chunk) for chunk in self.chunks]
        return [
            *(chunk for chunk in answering if chunk is not None),
            *(chunk for of_document in added.values() for chunk in of_document),
        ]

    def _is_new(self, correction: Correction, chunk: NewChunk) -> bool:
        if chunk.id in self.claimed:
            return False
        return chunk.id not in self.known or chunk.id in self.own[correction.pk]

    def _find_exact(self, correction: Correction) -> Outcome | None:
        for chunk in self.by_hash.get((correction.document_id, correction.anchor_hash), ()):
            if chunk.id not in self.claimed:
                return self._stand(correction, chunk)
        return None

    @cached_property
    def _by_text(self) -> dict[str, list[NewChunk]]:
        found: dict[str, list[NewChunk]] = defaultdict(list)
        for chunk in self.chunks:
            found[normalise(chunk.draft.content)].append(chunk)
        return found

    def _find_moved(self, correction: Correction) -> Outcome | None:
        """The same text at one new place, or the corrected one where the source has come to say it itself."""
        same = self._by_text.get(normalise(correction.anchor_content), [])
        new = [chunk for chunk in same if self._is_new(correction, chunk)]
        here = [chunk for chunk in new if chunk.document_id == correction.document_id]
        if not here and self.moves:
            here = new
        if len(here) == 1:
            return self._stand(correction, here[0])
        said = self._by_text.get(normalise(correction.content or ""), [])
        is_said = any(
            chunk.document_id == correction.document_id
            and chunk.draft.heading == correction.anchor_heading
            for chunk in said
        )
        if is_said and not here and not correction.is_off:
            return Outcome(correction, CorrectionState.RESTING, correction.document_id)
        return None

    def _find_patched(self, correction: Correction) -> Outcome | None:
        """The changed sentences in one chunk, among others than before."""
        if correction.content is None or correction.is_off:
            return None
        change = find_change(correction.anchor_content, correction.content)
        if not change:
            return None
        told = change[0].old[:1] or [change[0].before or change[0].after]
        found = [
            (chunk, made)
            for chunk in self.near.find_holding(told, correction.document_id, place_of(correction))
            if chunk.draft.heading == correction.anchor_heading and self._is_new(correction, chunk)
            and (made := apply_change(change, chunk.draft.content)) is not None
        ]  # fmt: skip
        if len(found) == 2 and self._repeats(change, found[0][0], found[1][0]):
            found.pop()
        if len(found) != 1:
            return None
        return self._stand(correction, found[0][0], content=found[0][1])

    def _repeats(self, change: Sequence[Hunk], first: NewChunk, second: NewChunk) -> bool:
        """Whether the second chunk has the changed sentences only because it repeats the end of the first."""
        run = share_run(first.draft.content, second.draft.content)
        is_next = second.draft.ordinal - first.draft.ordinal == 1
        return is_next and all(hunk.old and holds_run(run, hunk.old) for hunk in change)

    def _find_close(self, correction: Correction) -> Outcome | None:
        """What the text may have become: held, so that what somebody has silenced does not answer again."""
        anchor = Counter(read_words(correction.anchor_content))
        close = self._rank(correction, anchor, CLOSE, correction.document_id)
        if not close and self.moves:
            close = self._rank(correction, anchor, CLOSE_ELSEWHERE, None)
        if not close:
            return None
        best = close[0]
        told = telling(correction.anchor_content)
        parts = [
            chunk for chunk in self.near.find_holding(told, best.document_id, best.draft.ordinal)
            if chunk.id != best.id and self._is_new(correction, chunk)
            and share_of_sentences(correction.anchor_content, chunk.draft.content) >= PART
        ]  # fmt: skip
        outcome = Outcome(correction, CorrectionState.CHANGED, best.document_id)
        made = None
        if correction.content is not None and not correction.is_off:
            made = make_chunk(correction, best, correction.content, is_pinned=correction.is_pinned)
        outcome.theirs = [Theirs(best, made, is_held=correction.holds)]
        outcome.theirs += [Theirs(chunk, None, is_held=correction.holds) for chunk in parts]
        return outcome

    def _rank(
        self, correction: Correction, anchor: Counter[str], least: float, within: uuid.UUID | None
    ) -> list[NewChunk]:
        total = max(anchor.total(), 1)
        shares = []
        among = self.near.find_like(
            anchor, least, lambda chunk: self._is_new(correction, chunk), document_id=within,
            ordinal=place_of(correction),
        )  # fmt: skip
        for chunk in among:
            words = self.near.count(chunk)
            share = (anchor & words).total() / total
            if share >= least:
                is_elsewhere = chunk.draft.heading != correction.anchor_heading
                shares.append((-share, is_elsewhere, words.total(), chunk.draft.ordinal, chunk))
        return [row[-1] for row in sorted(shares, key=lambda row: row[:-1])]

    def _stand(
        self, correction: Correction, chunk: NewChunk, *, content: str | None = None
    ) -> Outcome:
        """In force for this chunk; `content` where the corrected text is another one now."""
        outcome = Outcome(correction, CorrectionState.LIVE, chunk.document_id, content=content)
        said = (correction.anchor_hash, correction.anchor_heading)
        if (chunk.draft.content_hash, chunk.draft.heading) != said:
            outcome.anchor = chunk.draft
        text, made = content if content is not None else correction.content, None
        if text is not None and not correction.is_off:
            made = make_chunk(correction, chunk, text, is_pinned=correction.is_pinned)
        outcome.theirs = [Theirs(chunk, made, is_held=correction.holds)]
        return outcome

    def _lose(self, correction: Correction) -> Outcome:
        is_resting = correction.state == CorrectionState.RESTING
        state = CorrectionState.RESTING if is_resting else CorrectionState.VANISHED
        return Outcome(correction, state, correction.document_id)

    def _add(self, correction: Correction, counted: Counter[uuid.UUID]) -> Outcome:
        """Behind the last chunk of its document, as long as that is there."""
        document_id = correction.document_id
        if document_id not in self.languages:
            return self._lose(correction)
        outcome = Outcome(correction, CorrectionState.LIVE, document_id)
        if not correction.is_off:
            counted[document_id] += 1
            ordinal = self.last.get(document_id, -1) + counted[document_id]
            draft = ChunkDraft(ordinal, correction.anchor_heading, "", None, 0, "")
            like = NewChunk(correction.pk, document_id, self.languages[document_id], draft)
            text = correction.content or ""
            outcome.added = make_chunk(correction, like, text, is_pinned=correction.is_pinned)
        return outcome

    def _echo(self, outcome: Outcome) -> None:
        """Change the neighbours of its chunks where they repeat what was corrected, switched off or is held."""
        correction = outcome.correction
        if not correction.holds or not outcome.theirs:
            return
        is_silent = correction.is_off or outcome.state != CorrectionState.LIVE
        main, text = outcome.theirs[0].chunk, outcome.content or correction.content or ""
        change = () if is_silent else find_change(main.draft.content, text)
        for held in [each.chunk for each in outcome.theirs]:
            for near in self.near.find_beside(held):
                if near.draft.heading != held.draft.heading:
                    continue
                is_behind = near.draft.ordinal > held.draft.ordinal
                first, second = (held, near) if is_behind else (near, held)
                run = share_run(first.draft.content, second.draft.content)
                hunks = [hunk for hunk in change if hunk.old and holds_run(run, hunk.old)]
                if is_silent and count_words(run) >= CERTAIN_WORDS:
                    hunks = [Hunk(run, "", "", "")]
                if hunks:
                    self._echo_in(near, hunks, outcome)

    def _echo_in(self, near: NewChunk, hunks: Sequence[Hunk], outcome: Outcome) -> None:
        """One between two of them is changed for both, and stands with the first; one that is pinned stays so."""
        if near.id in self.claimed and near.id not in self.echoes:
            return
        by, at = self.echoes.get(near.id, (outcome, len(outcome.theirs)))
        now = by.theirs[at] if at < len(by.theirs) else Theirs(near, near, is_echo=True)
        before = now.made if now.is_held else near
        made = apply_change(hunks, before.draft.content) if before is not None else None
        if made is None:
            return
        is_pinned = by.correction.is_pinned and not now.is_echo
        chunk = make_chunk(by.correction, near, made, is_pinned=is_pinned) if made.strip() else None
        by.theirs[at : at + 1] = [replace(now, made=chunk, is_held=True)]
        self.echoes[near.id] = (by, at)
        self.claimed.add(near.id)
