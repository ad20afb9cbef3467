"""Subtitles and transcripts (SRT, WebVTT): what is said, joined to sentences, with the time at which it begins."""

from __future__ import annotations

import re
from typing import Final

from knowledge.formats.plain import decode_text
from knowledge.formats.sections import ParseError, SectionWriter, clean_line, clean_text

_TIME: Final = re.compile(
    r"^\s*(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
)
_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]{0,200})?\s{1,20}([^<>]{1,80})>")
_MARK: Final = re.compile(
    r"</?(?:b|i|u|c|v|lang|ruby|rt|font)(?:[.\s][^<>]{0,200})?>|<\d{2}:\d{2}[\d:.]*>|\{\\[^{}]{1,60}\}"
)
_ENTITIES: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "", "&rlm;": ""}
_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'»”)]*$")
_LONGEST: Final = 600
_SHORTEST: Final = 200
_LONG_PAUSE: Final = 30
"""Seconds from one cue to the next, after which what is said is cited at its own time."""


def parse_subtitles(data: bytes, writer: SectionWriter) -> dict[str, object]:
    text = clean_text(decode_text(data))
    blocks = [block.split("\n") for block in text.split("\n\n") if block.strip()]
    cues = [cue for block in blocks if (cue := _read_cue(block))]
    if blocks and not cues:
        raise ParseError("This file holds no subtitles: no time is given as 00:00:00 --> 00:00:00.")
    said: list[str] = []
    begins = last = heard = ""
    for start, lines in cues:
        words = clean_line(" ".join(lines))
        if said and _seconds(start) - _seconds(heard) > _LONG_PAUSE:
            _write(writer, begins, said)
            begins, said = "", []
        heard = start
        if not words or words == last:
            continue  # captions that roll repeat their last line
        begins, last = begins or start, words
        said.append(words)
        length = sum(map(len, said))
        if length > _LONGEST or (length > _SHORTEST and _SENTENCE_END.search(words)):
            _write(writer, begins, said)
            begins, said = "", []
    if said:
        _write(writer, begins, said)
    metadata: dict[str, object] = {"cues": len(cues)} if cues else {}
    title = re.match(r"WEBVTT[ \t]*-?[ \t]*(\S[^\n]{0,499})", text)
    if title:
        metadata["title"] = clean_line(title[1])
    return metadata


def _read_cue(block: list[str]) -> tuple[str, list[str]] | None:
    """(when it begins, its lines); None for what is no cue, such as notes and styles."""
    for at, line in enumerate(block[:2]):
        if found := _TIME.match(line):
            hours, minutes, seconds, _ = found.groups()
            return f"{int(hours or 0):02}:{int(minutes):02}:{seconds}", [
                _clean(each) for each in block[at + 1 :]
            ]
    return None


def _seconds(time: str) -> int:
    hours, minutes, seconds = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def _clean(line: str) -> str:
    line = _MARK.sub("", _VOICE.sub(lambda found: f"{found[1].strip()}: ", line))
    for name, letter in _ENTITIES.items():
        line = line.replace(name, letter)
    return line


def _write(writer: SectionWriter, begins: str, said: list[str]) -> None:
    writer.move_to(begins)
    writer.add_paragraph(" ".join(said))
