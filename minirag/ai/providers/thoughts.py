"""Keeps what a model thinks aloud from what it says: `ThoughtFilter` passes an answer through and drops its thoughts.

Reasoning models put their thoughts into the answer's own text, between marks that differ by family: `<think>`,
`[THINK]`, `◁think▷`, `<|channel|>analysis<|message|>` … Some leave the opening mark to their prompt template, so that
only `</think>` comes; what stood before it was a thought all along. Pure, and safe for streams: a mark may be cut
anywhere, and text is held back only while it could still become one.
"""

from __future__ import annotations

import re
from enum import Enum, auto

_NAMES = (
    "think", "thinking", "thought", "thoughts", "reasoning", "reflection", "scratchpad", "analysis",
    "inner_monologue", "seed:think", "antml:thinking", "mm:think",
)  # fmt: skip
_NAME = "|".join(map(re.escape, sorted(_NAMES, key=len, reverse=True)))
_BRACKETED = ("THINK", "THINKING", "THOUGHT", "REASONING")
_WRAPPERS = ("answer", "response", "final_answer")
_MARK = re.compile(
    rf"<(?P<tag>/?)(?:{_NAME})(?:\s[^<>]{{0,60}})?>"
    rf"|\[(?P<bracket>/?)(?-i:{'|'.join(_BRACKETED)})\]"
    r"|◁(?P<triangle>/?)think▷"
    r"|<unused9(?P<unused>[45])>"
    r"|<(?P<half>\|channel|channel\|)>"
    rf"|</?(?P<wrapper>{'|'.join(_WRAPPERS)})>"
    r"|<[|｜](?P<special>[^|｜<>\s]{1,40})[|｜]>",
    re.IGNORECASE,
)
_LITERALS = tuple(
    [f"<{end}{name}>" for name in _NAMES + _WRAPPERS for end in ("", "/")]
    + [f"[{end}{name.lower()}]" for name in _BRACKETED for end in ("", "/")]
    + ["◁think▷", "◁/think▷", "<unused94>", "<unused95>", "<|channel>", "<channel|>"]
)
_OPEN_ENDED = re.compile(
    rf"<(?:/?(?:{_NAME})\s[^<>]{{0,60}}|[|｜][^|｜<>\s]{{0,40}}[|｜]?)", re.IGNORECASE
)
_LONGEST_MARK = 80
_OPENING = re.compile(
    r"(begin[_▁]of[_▁]|start[_▁])?(think(ing)?|thoughts?|reasoning)(_start)?", re.IGNORECASE
)
_CLOSING = re.compile(
    r"(/|end[_▁](of[_▁])?)(think(ing)?|thoughts?|reasoning)|(think(ing)?|thoughts?)_end",
    re.IGNORECASE,
)
# Tokens that a server should have kept to itself. Any other stays: somebody may ask what it means.
_NOISE = re.compile(
    r"(im|header|turn)_(start|end)|(start|end)_(header_id|of_turn|response|text)|eo[tms](_id)?|"
    r"(begin|end)[_▁]?of[_▁]?(text|sentence|solution)|assistant|user|constrain",
    re.IGNORECASE,
)
# How gpt-oss speaks where a server has swallowed its tokens: "analysisWe need … assistantfinalThe answer".
_BARE = re.compile(r"\s*analysis(?=[A-Z])")
_BARE_START = "analysis"
_BARE_END = "assistantfinal"


class _Kind(Enum):
    OPEN = auto()
    CLOSE = auto()
    CHANNEL = auto()  # its name follows, up to BODY
    START = auto()  # whose turn it is follows
    BODY = auto()
    END = auto()
    WRAPPER = auto()
    NOISE = auto()


_SPECIALS = {
    "channel": _Kind.CHANNEL,
    "start": _Kind.START,
    "message": _Kind.BODY,
    "end": _Kind.END,
    "call": _Kind.END,
    "return": _Kind.END,
}


class ThoughtFilter:
    """`feed` the pieces of an answer, then `flush`; both return what may be shown.

    `has_retracted` says, until it is set back, that all that was returned before was a thought: a closing mark came
    that nothing had opened. `thinks_first` holds everything back until such a mark, or until the end.
    """

    def __init__(self, *, thinks_first: bool = False) -> None:
        self.has_retracted = False
        self.thinks_unopened = False
        self._depth = int(thinks_first)
        self._is_tentative = thinks_first
        self._has_closed = False  # in the thought that has not ended yet
        self._tail = ""  # what followed its last closing mark, or all of it while it is tentative
        self._header: str | None = None
        self._is_stray = False  # behind a closing mark that nothing had opened
        self._has_thought = False
        self._has_shown = False  # something else than blanks
        self._is_returned = False  # of that, something left with an earlier piece
        self._is_bare = False
        self._is_start = True
        self._held = ""
        self._last = ""
        self._shown: list[str] = []

    def feed(self, text: str) -> str:
        if self._is_returned and not self._held and self._passes(text):
            self._last = text[-1:] or self._last
            return text
        text = self._held + text
        if self._is_start:
            if _BARE_START.startswith(text.strip()[: len(_BARE_START) + 1]):
                self._held = text
                return ""
            self._is_start = False
            if _BARE.match(text):
                self._is_bare, self._depth = True, 1
        cut = self._find_cut(text)
        self._held = text[cut:]
        return self._read(text[:cut])

    def flush(self, *, is_cut: bool = False) -> str:
        """Return what was held back when the answer ended; a thought that never ended is not part of it.

        `is_cut`: what was held back on suspicion may well be a thought that was cut before its mark.
        """
        self._is_stray = self._is_stray and bool(self._held.strip())
        shown, self._held = self._read(self._held), ""
        if self._depth and (self._has_closed or (self._is_tentative and not is_cut)):
            self._depth, tail = 0, self._tail
            shown += self._show(tail)
        return shown

    def release(self) -> str:
        """Return what was held back on suspicion: the provider keeps thoughts apart itself."""
        if not self._is_tentative:
            return ""
        self._depth, self._is_tentative, tail, self._tail = 0, False, self._tail, ""
        return self._show(tail)

    def _passes(self, text: str) -> bool:
        """Whether a piece in the middle of an answer cannot have anything to do with thoughts."""
        is_answer = not self._depth and self._header is None and not self._is_stray
        return is_answer and not ("<" in text or "[" in text or "◁" in text)

    def _find_cut(self, text: str) -> int:
        if self._is_bare and self._depth:
            end = len(_BARE_END) - 1
            return len(text) - next(
                (n for n in range(end, 0, -1) if text.endswith(_BARE_END[:n])), 0
            )
        start = max(0, len(text) - _LONGEST_MARK)
        found = [text.rfind(opening, start) for opening in "<[◁"]
        return min((i for i in found if i >= 0 and _may_become_mark(text[i:])), default=len(text))

    def _read(self, text: str) -> str:
        self._shown = []
        if self._is_bare and self._depth:
            text = text[text.find(_BARE_END) :] if _BARE_END in text else ""
            if text:
                text = text.removeprefix(_BARE_END)
                self._depth, self._has_thought = 0, True
        position = 0
        for match in _MARK.finditer(text):
            if self._is_quoted(match, text):
                continue
            kind = _kind_of(match)
            if kind is None or (kind is _Kind.WRAPPER and not self._has_thought):
                continue
            self._take(text[position : match.start()])
            position = match.end()
            self._mark(kind)
        self._take(text[position:])
        self._last = text[-1:] or self._last
        shown = "".join(self._shown)
        self._is_returned = self._is_returned or bool(shown.strip())
        return shown

    def _is_quoted(self, match: re.Match[str], text: str) -> bool:
        """Whether an answer speaks about the mark, as in `<think>`."""
        before = text[match.start() - 1] if match.start() else self._last
        return before == "`" and not self._depth

    def _mark(self, kind: _Kind) -> None:
        if kind is _Kind.OPEN:
            if self._is_tentative and not self._tail.strip():
                self._is_tentative = False
            else:
                self._depth += 1
            self._has_closed = self._has_closed and self._depth > 1
        elif kind is _Kind.CLOSE:
            self._close()
        elif kind in (_Kind.CHANNEL, _Kind.START):
            self._header, self._depth, self._is_tentative = "", 0, False
        elif kind is _Kind.BODY:
            name = (self._header or "").strip().lower()
            self._header = None
            self._depth = int(not name.startswith(("final", "assistant")) and bool(name))
        elif kind is _Kind.END:
            self._header, self._depth = None, 0
            self._has_thought = True

    def _close(self) -> None:
        self._has_thought = True
        if not self._depth:
            self._is_stray = self._has_shown
            return
        self._depth = 0 if self._is_tentative else self._depth - 1
        self.thinks_unopened = self.thinks_unopened or self._is_tentative
        self._has_closed, self._is_tentative, self._tail = True, False, ""

    def _take(self, text: str) -> None:
        if not text:
            return
        if self._header is not None:
            self._header += text
        elif not self._depth:
            self._show_piece(text)
        elif self._is_tentative or self._has_closed:
            self._tail += text

    def _show(self, text: str) -> str:
        self._shown = []
        self._show_piece(text)
        return "".join(self._shown)

    def _show_piece(self, text: str) -> None:
        if self._is_stray and text.strip():
            self._is_stray, self._has_shown, self._shown = False, False, []
            self.thinks_unopened = True
            self.has_retracted = self.has_retracted or self._is_returned
            self._is_returned = False
        if self._is_stray:
            return
        if self._has_thought and not self._has_shown:
            text = text.lstrip()
        self._has_shown = self._has_shown or bool(text.strip())
        self._shown.append(text)


def _kind_of(match: re.Match[str]) -> _Kind | None:
    """What a mark means; None for a special token that is not ours."""
    if match["wrapper"]:
        return _Kind.WRAPPER
    if special := match["special"]:
        known = _SPECIALS.get(special.lower())
        if known is not None:
            return known
        if _OPENING.fullmatch(special):
            return _Kind.OPEN
        if _CLOSING.fullmatch(special):
            return _Kind.CLOSE
        return _Kind.NOISE if _NOISE.fullmatch(special) else None
    closes = (
        match["unused"] == "5"
        or (match["half"] or "").endswith("|")
        or any(match[name] for name in ("tag", "bracket", "triangle"))
    )
    return _Kind.CLOSE if closes else _Kind.OPEN


def _may_become_mark(text: str) -> bool:
    """Whether a tail that begins like a mark could turn into one."""
    folded = text.lower()
    return any(literal.startswith(folded) for literal in _LITERALS) or bool(
        _OPEN_ENDED.fullmatch(text)
    )
