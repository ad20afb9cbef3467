"""Cutting sections into pieces that fit a chunk: sentences, code blocks, table rows under their header, records.

A piece is never cut again. `knowledge.indexing.chunking` packs pieces into chunks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from knowledge.formats.sections import Section
from minirag.lib.remembering import Remembered
from minirag.lib.starting.patterns import compile_later
from minirag.lib.text.sentences import split_lines

CountTokens = Callable[[list[str]], list[int]]

_TOKEN = compile_later(
    r"[A-Za-z\u00c0-\u024f]{1,7}|\d{1,3}|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]"
    r"|[^\s\d\x21-\x7e\u00c0-\u024f\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]{1,4}"
    r"|[\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]"
)
_WORD = re.compile(r"\s*\S+")
_LONGEST_TOKEN = 32  # characters; text has four or five to a token
_PORTION = 1000
_MOST_SENTENCES = 10_000  # in one line; where there are more, they are none
_DENSE_END = compile_later(r"[\u3000-\u30ff\u3400-\u9fff\uff01-\uff60]")


class Piece(NamedTuple):
    """What is never cut again. `joint` is put before it when it is not the first of its chunk.

    A tuple, since a megabyte of short lines makes half a million of them.
    """

    text: str
    tokens: int = 0
    joint: str = "\n\n"
    page: int | None = None
    repeatable: bool = False  # may be repeated as overlap: prose, not rows or code
    limit: int = 0  # the chunk is closed when it would grow beyond this
    place: str = ""


def join_in_dozens(sentences: list[str]) -> list[str]:
    return [" ".join(sentences[start : start + 12]) for start in range(0, len(sentences), 12)]


def estimate_tokens(texts: list[str]) -> list[int]:
    """About how many WordPiece tokens each text has, at some five million tokens a second.

    Against MiniLM's tokenizer: +2 % on SciFact abstracts and +6 % on SQuAD paragraphs (90 % of single paragraphs
    within -17 and +22 %), exact on Chinese. For alphabets that its English vocabulary spells out letter by letter
    (Cyrillic, Arabic, Devanagari…) it counts a token per four letters on purpose, and German about 30 % lower: what
    matters there is how much a chunk says, since the English model is of no use for those languages anyway.
    """
    return [sum(map(_COUNTED.__getitem__, text.split())) for text in texts]


class _Counted(Remembered[str, int]):
    """The tokens in what stands between two blanks, which none goes across: counted once for all texts."""

    def __missing__(self, word: str) -> int:
        count = len(_TOKEN.findall(word))
        if len(word) <= _LONGEST_TOKEN:
            self[word] = count
        return count


_COUNTED: Final = _Counted(60_000)


class Cutter:
    """Cuts sections into pieces that fit."""

    def __init__(self, max_tokens: int, count_tokens: CountTokens) -> None:
        self.max_tokens, self._count = max_tokens, count_tokens

    def count_tokens(self, texts: list[str]) -> list[int]:
        """The tokens of each text, in portions: a tokenizer takes a kilobyte for each text that it is given.

        What a vocabulary takes for one unknown sign, however long it is, or for none at all, still fills a chunk. What
        is much too long for one is not counted.
        """
        counts: list[int] = []
        longest = self.max_tokens * _LONGEST_TOKEN
        for start in range(0, len(texts), _PORTION):
            portion = texts[start : start + _PORTION]
            found = self._count([text if len(text) <= longest else "" for text in portion])
            least = (-(-len(text) // _LONGEST_TOKEN) for text in portion)
            counts += map(max, found, least)
        return counts

    def cut(self, section: Section) -> list[Piece]:
        if section.kind == "code":
            pieces = self.cut_block(section.text, section.page)
        elif section.kind == "record" or (section.kind == "table" and "\n\n" in section.text):
            pieces = self.cut_records(section.text, section.page)
        elif section.kind == "table":
            pieces = self.cut_table(section)
        else:
            pieces = self.cut_prose(section)
        return (
            [piece._replace(place=section.place) for piece in pieces] if section.place else pieces
        )

    def measure(self, pieces: list[Piece]) -> list[Piece]:
        counts = self.count_tokens([piece.text for piece in pieces])
        return [
            Piece(text, count, joint, page, repeatable, limit or self.max_tokens, place)
            for (text, _, joint, page, repeatable, limit, place), count in zip(
                pieces, counts, strict=True
            )
        ]

    def cut_prose(self, section: Section) -> list[Piece]:
        pieces: list[Piece] = []
        for paragraph in section.text.split("\n\n"):
            joint = "\n\n"
            for line in split_lines(paragraph):
                for sentence in line if len(line) <= _MOST_SENTENCES else join_in_dozens(line):
                    pieces.append(Piece(sentence, 0, joint, section.page, True))
                    joint = "" if _DENSE_END.match(sentence[-1]) else " "
                joint = "\n"
        return self.fit(self.measure(pieces))

    def cut_block(self, text: str, page: int | None, joint: str = "\n\n") -> list[Piece]:
        """Whole if it fits, else its lines, packed again by the chunk's limit."""
        whole = self.measure([Piece(text, 0, joint, page)])
        if whole[0].tokens <= self.max_tokens:
            return whole
        lines = text.split("\n")
        pieces = [Piece(line, 0, "\n" if i else joint, page) for i, line in enumerate(lines)]
        return self.fit(self.measure(pieces))

    def cut_records(self, text: str, page: int | None) -> list[Piece]:
        """Self-describing rows: whole, and few to a chunk, since a question asks for one of them."""
        pieces = [piece for record in text.split("\n\n") for piece in self.cut_record(record, page)]
        return [piece._replace(limit=self.max_tokens // 2) for piece in pieces]

    def cut_record(self, record: str, page: int | None) -> list[Piece]:
        """Whole if it fits, else its lines, each part of them below the first one, which says whose they are."""
        first, *others = record.split("\n")
        size, *sizes = self.count_tokens([first, *others])
        room = self.max_tokens // 2 - size
        if size + sum(sizes) <= self.max_tokens or 2 * size > room or max(sizes) > room:
            return self.cut_block(record, page)
        parts: list[tuple[list[str], int]] = [([first], size)]
        for line, count in zip(others, sizes, strict=True):
            if parts[-1][1] + count > room + size:
                parts.append(([first], size))
            lines, used = parts.pop()
            parts.append(([*lines, line], used + count))
        return self.measure([Piece("\n".join(lines), 0, "\n\n", page) for lines, _ in parts])

    def cut_table(self, section: Section) -> list[Piece]:
        """Rows under their header, which every piece repeats unless it takes half the room."""
        whole = self.measure([Piece(section.text, 0, "\n\n", section.page)])
        if whole[0].tokens <= self.max_tokens:
            return whole
        header, *rows = section.text.split("\n")
        head, *tokens = self.count_tokens([header, *rows])
        if head > self.max_tokens // 2:
            return self.cut_block(section.text, section.page)
        pieces: list[Piece] = []
        group: list[str] = []
        room = self.max_tokens - head
        used = 0

        def close() -> None:
            if group:
                text = "\n".join([header, *group])
                pieces.append(
                    Piece(text, head + used, "\n\n", section.page, False, self.max_tokens)
                )

        for row, count in zip(rows, tokens, strict=True):
            parts = [(row, count)] if count <= room else self.split_words(row, room)
            for part, size in parts:
                if used + size > room:
                    close()
                    group, used = [], 0
                group.append(part.strip())
                used += size
        close()
        return pieces

    def fit(self, pieces: list[Piece]) -> list[Piece]:
        """Pieces that are too long on their own are cut between words."""
        fitting: list[Piece] = []
        for piece in pieces:
            if piece.tokens <= self.max_tokens:
                fitting.append(piece)
                continue
            for number, (text, count) in enumerate(self.split_words(piece.text, self.max_tokens)):
                if number == 0:
                    fitting.append(piece._replace(text=text, tokens=count))
                else:
                    joint = " " if text[0].isspace() else ""
                    part = piece._replace(text=text.lstrip(), tokens=count, joint=joint)
                    fitting.append(part)
        return fitting

    def split_words(self, text: str, room: int) -> list[tuple[str, int]]:
        """Runs of words of at most `room` tokens; a single longer word is cut between characters."""
        words = _WORD.findall(text)
        counts = self.count_tokens(words)
        parts: list[tuple[str, int]] = []
        running, used = "", 0
        for word, count in zip(words, counts, strict=True):
            if running and used + count > room:
                parts.append((running, used))
                running, used = "", 0
            if count > room:
                parts.extend(self.split_characters(word, room))
                continue
            running, used = running + word, used + count
        if running:
            parts.append((running, used))
        return parts

    def split_characters(self, word: str, room: int) -> Iterator[tuple[str, int]]:
        # Measured in windows, so that a megabyte without a space takes a linear number of counts.
        window, start = room * 10, 0
        while start < len(word):
            head = word[start : start + window]
            count = self.count_tokens([head])[0]
            while count > room and len(head) > 1:
                head = head[: max(1, min(len(head) - 1, len(head) * room // count))]
                count = self.count_tokens([head])[0]
            yield head, count
            start += len(head)
