"""Two texts side by side as a person reads them: which lines are different, and within them which words.

Pure: text in, `Comparison` out. What is the same is left out but for a few lines around each change, and so are the
middles of long sentences that both have; of very many changes the first are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, Literal

from minirag.lib.comparing.matching import Block, match

Kind = Literal["same", "removed", "added"]

_AROUND: Final = 2
_MOST_CHARACTERS: Final = 200_000
"""Of what one comparison shows."""
_LONGEST_SAME: Final = 400
_WORD = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Part:
    """A stretch of a line; `is_changed`: the other side has other words there."""

    text: str
    is_changed: bool = False


@dataclass(frozen=True)
class Line:
    kind: Kind
    parts: Sequence[Part]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True)
class Change:
    """Neighbouring lines that are different, with what stands around them. Lines are counted from 1."""

    before_line: int
    after_line: int
    lines: Sequence[Line]


@dataclass(frozen=True)
class Comparison:
    """`added` and `removed` count lines that say something. `is_cut`: there are more changes than are shown."""

    is_same: bool
    added: int = 0
    removed: int = 0
    is_cut: bool = False
    changes: Sequence[Change] = field(default_factory=list)


def compare_texts(before: str, after: str) -> Comparison:
    """Say how the text after is different from the one before."""
    if before == after:
        return Comparison(is_same=True)
    old, new = before.split("\n"), after.split("\n")
    gaps = list(_gaps_between(match(old, new), len(old), len(new)))
    changes: list[Change] = []
    shown = 0
    for near in _group_near(gaps):
        change = _write_change(near, old, new)
        shown += sum(len(line.text) + 1 for line in change.lines)
        changes.append(change)
        if shown > _MOST_CHARACTERS:
            break
    return Comparison(
        is_same=False,
        added=sum(1 for gap in gaps for line in new[gap[2] : gap[3]] if line.strip()),
        removed=sum(1 for gap in gaps for line in old[gap[0] : gap[1]] if line.strip()),
        is_cut=shown > _MOST_CHARACTERS,
        changes=changes,
    )


Gap = tuple[int, int, int, int]


def _gaps_between(blocks: Sequence[Block], old: int, new: int) -> Iterator[Gap]:
    """What is different: from where to where before, and from where to where after."""
    i = j = 0
    for start, other, size in [*blocks, (old, new, 0)]:
        if start > i or other > j:
            yield i, start, j, other
        i, j = start + size, other + size


def _group_near(gaps: Sequence[Gap]) -> Iterator[list[Gap]]:
    """Differences that stand so close that they are read together."""
    near: list[Gap] = []
    for gap in gaps:
        if near and gap[0] - near[-1][1] > 2 * _AROUND:
            yield near
            near = []
        near.append(gap)
    if near:
        yield near


def _write_change(near: Sequence[Gap], old: Sequence[str], new: Sequence[str]) -> Change:
    first, last = near[0], near[-1]
    start = max(0, first[0] - _AROUND)
    lines: list[Line] = []
    at, room = start, _MOST_CHARACTERS
    for gap in near:
        lines += [_show_same(line) for line in old[at : gap[0]]]
        written = _write_gap(old[gap[0] : gap[1]], new[gap[2] : gap[3]], room)
        room -= sum(len(line.text) + 1 for line in written)
        lines += written
        at = gap[1]
        if room <= 0:
            break
    else:
        lines += [_show_same(line) for line in old[at : last[1] + _AROUND]]
    return Change(start + 1, max(0, first[2] - (first[0] - start)) + 1, lines)


def _show_same(line: str) -> Line:
    return Line("same", [Part(_shorten(line))])


def _write_gap(removed: Sequence[str], added: Sequence[str], room: int) -> list[Line]:
    """The lines of both sides, the words marked that only one of them has, where they have any in common."""
    old = _WORD.findall("\n".join(_cut(removed, room)))
    new = _WORD.findall("\n".join(_cut(added, room)))
    blocks = match(old, new) if removed and added else []
    kept = sum(
        len(word) for i, _, size in blocks for word in old[i : i + size] if not word.isspace()
    )
    shorter = min(sum(map(len, words)) for words in (old, new))
    if kept * 4 < shorter:
        blocks = []  # another text altogether: marks here and there would only confuse
    same_old = {place for i, _, size in blocks for place in range(i, i + size)}
    same_new = {place for _, j, size in blocks for place in range(j, j + size)}
    return [
        *(_mark(removed, old, same_old, "removed")),
        *(_mark(added, new, same_new, "added")),
    ]


def _cut(lines: Sequence[str], room: int) -> Iterator[str]:
    for line in lines:
        if room <= 0:
            return
        yield line[:room]
        room -= len(line) + 1


def _mark(lines: Sequence[str], words: Sequence[str], same: set[int], kind: Kind) -> Iterator[Line]:
    if not lines:
        return
    row: list[tuple[str, bool]] = []
    for place, word in enumerate(words):
        if word == "\n":
            yield Line(kind, _join_parts(row, has_same=bool(same)))
            row = []
        else:
            row.append((word, place not in same))
    yield Line(kind, _join_parts(row, has_same=bool(same)))


def _join_parts(words: Sequence[tuple[str, bool]], *, has_same: bool) -> list[Part]:
    """Words that stand together and are both changed, or both not; a space between changed words is one of them."""
    if not has_same:
        return [Part("".join(word for word, _ in words))]
    marked = [
        (word, is_changed or _stands_between(words, place))
        for place, (word, is_changed) in enumerate(words)
    ]
    parts = []
    for is_changed, group in groupby(marked, key=lambda each: each[1]):
        text = "".join(word for word, _ in group)
        parts.append(Part(text if is_changed else _shorten(text), is_changed))
    return parts


def _stands_between(words: Sequence[tuple[str, bool]], place: int) -> bool:
    inside = 0 < place < len(words) - 1
    return inside and words[place][0].isspace() and words[place - 1][1] and words[place + 1][1]


def _shorten(text: str) -> str:
    """The beginning and the end of what is long and the same on both sides."""
    if len(text) <= _LONGEST_SAME:
        return text
    return f"{text[: _LONGEST_SAME // 2]} … {text[-_LONGEST_SAME // 2 :]}"
