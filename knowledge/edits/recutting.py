"""From a document's chunks and its edited text to the chunks of that text: `recut`.

What was not touched keeps its chunk as it is, with its heading, page and place, and so its vector and the citations
that point to it. What was is cut anew, under the heading that it stood under. Headings of its own, written as Markdown,
stand under the document's title. Pure: how text is parsed and cut is the caller's affair.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from knowledge.indexing.chunking import ChunkDraft, format_heading, hash_content
from knowledge.versions.texts import join_drafts, span_drafts
from minirag.lib.comparing.matching import match

Cut = Callable[[str], Sequence[ChunkDraft]]
"""Cuts Markdown without a title: the heading of each chunk is only what the text itself says."""


@dataclass(frozen=True)
class Spot:
    """Where a line stands: the same for all lines of a stretch that is cut together."""

    heading: str
    page: int | None
    place: str


def recut(old: Sequence[ChunkDraft], text: str, *, title: str, cut: Cut) -> list[ChunkDraft]:
    """Return the chunks of `text`, which was made by editing the text that `old` say."""
    before, after = join_drafts(old).split("\n"), text.split("\n")
    spans = _lines_of(old, before)
    same = {i + n: j + n for i, j, size in match(before, after) for n in range(size)}
    kept = _find_kept(spans, same)
    covered = {same[line] for place in kept for line in range(*spans[place])}
    spots = _place_lines(old, spans, same, len(before), len(after))
    found: list[ChunkDraft] = []
    waiting = iter(kept)
    following = next(waiting, None)
    stretch: list[int] = []
    for number in range(len(after) + 1):
        if number < len(after) and number not in covered:
            stretch.append(number)
            continue
        found += _cut_stretch(stretch, after, spots, title, cut)
        stretch = []
        while following is not None and same[spans[following][0]] <= number:
            found.append(old[following])
            following = next(waiting, None)
    return _number(found)


def _lines_of(old: Sequence[ChunkDraft], before: Sequence[str]) -> list[tuple[int, int]]:
    """The lines from which to which each chunk goes, what it repeats of the one before included."""
    starts = [0, *accumulate(len(line) + 1 for line in before)]
    return [
        (bisect_right(starts, start) - 1, bisect_left(starts, max(end, start + 1)))
        for start, end in span_drafts(old)
    ]


def _find_kept(spans: Sequence[tuple[int, int]], same: dict[int, int]) -> list[int]:
    """The chunks that are as they were: each of their lines is, and so is each that they share a line with."""
    whole = [
        all(line in same for line in range(start, end))
        and same[end - 1] - same[start] == end - 1 - start
        for start, end in spans
    ]
    # Chunks that share a line are cut together or not at all: of a line cut anew no half may be said twice or lost.
    groups: list[list[int]] = []
    for place, (start, _) in enumerate(spans):
        if groups and start < spans[place - 1][1]:
            groups[-1].append(place)
        else:
            groups.append([place])
    return [place for group in groups if all(whole[each] for each in group) for place in group]


def _place_lines(
    old: Sequence[ChunkDraft], spans: Sequence[tuple[int, int]], same: dict[int, int], before: int, after: int
) -> list[Spot]:  # fmt: skip
    """Where each line of the new text stands: a line that stayed where it stood, a new one where it took a place."""
    nowhere = Spot("", None, "")
    spots = [nowhere] * before
    last = 0
    for (start, end), draft in zip(spans, old, strict=True):
        spot = Spot(draft.heading, draft.page, draft.place)
        for line in range(max(start, last), end):
            spots[line] = spot
        last = max(last, end)
    for line in range(1, before):
        if spots[line] is nowhere:
            spots[line] = spots[line - 1]
    back = {j: i for i, j in same.items()}
    found: list[Spot] = []
    gap: list[int] = []
    previous = -1
    for number in range(after + 1):
        if number < after and number not in back:
            gap.append(number)
            continue
        until = back[number] if number < after else before
        room = range(previous + 1, until)
        for place in range(len(gap)):
            at = room[place * len(room) // len(gap)] if room else max(previous, 0)
            found.append(spots[at] if before else nowhere)
        gap = []
        if number < after:
            previous = back[number]
            found.append(spots[previous])
    return found


def _cut_stretch(
    lines: Sequence[int], after: Sequence[str], spots: Sequence[Spot], title: str, cut: Cut
) -> list[ChunkDraft]:
    found: list[ChunkDraft] = []
    for spot, group in groupby(lines, key=lambda number: spots[number]):
        text = "\n".join(after[number] for number in group)
        if not text.strip():
            continue
        for draft in cut(text):
            heading = (
                format_heading(title, _split(draft.heading)) if draft.heading else spot.heading
            )
            heading = heading or format_heading(title, ())
            found.append(
                replace(
                    draft,
                    heading=heading,
                    page=spot.page,
                    place=draft.place or spot.place,
                    content_hash=hash_content(heading, draft.content),
                )
            )
    return found


def _split(heading: str) -> tuple[str, ...]:
    return tuple(heading.split(" > "))


def _number(drafts: Sequence[ChunkDraft]) -> list[ChunkDraft]:
    """In reading order; what is said twice under one heading is found, and stored, once."""
    unique = {draft.content_hash: draft for draft in reversed(drafts)}
    chosen = [draft for draft in drafts if unique[draft.content_hash] is draft]
    return [replace(draft, ordinal=number) for number, draft in enumerate(chosen)]
