"""Scripts without what only people read: comments, indentation, and spaces that mean nothing.

Names stay as they are, and so do lines that mean something; it is no minifier and knows no grammar. A string, a
template and a regular expression stay as they are, but for the spaces of a style sheet.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<template>`)"""
    r"""|(?P<regex>/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)|(?P<word>[\w$#@]+)"""
    r"""|(?P<space>[ \t]+)|(?P<line>\n)|(?P<sign>.)""",
    re.S,
)
_BEFORE_A_REGEX: Final = re.compile(
    r"(?:^|[-(,=:\[!&|?{};+*%~^<>]|\b(?:return|typeof|case|of|in))$"
)
_IS_STYLES: Final = re.compile(r"\{\s[a-z-]+: [^{}]*; ?\}|--bg:")
_SIGNS: Final = frozenset("{}()[];,=:?<>&|!*%")
_GO_ON: Final = frozenset("{([;,")  # behind these, and before the others, a new line means nothing
_END: Final = frozenset("})]")


def compact(script: str) -> str:
    """The same script; its first comment is its notice, and stays."""
    notice = re.match(r"\s*/\*[^*].*?\*/\n", script, re.S)
    head = notice[0] if notice else ""
    return head + "".join(_join_constants(_pieces(script[len(head) :])))


def _pieces(script: str) -> list[str]:
    made: list[str] = []
    at = 0
    while at < len(script):
        token = _TOKEN.match(script, at)
        assert token  # noqa: S101 - a sign is anything
        kind, text = token.lastgroup, token[0]
        if kind == "regex" and not _BEFORE_A_REGEX.search("".join(made[-3:]).rstrip()):
            kind, text = "sign", "/"
        if kind == "template":
            text = _template(script, at)
        at += len(text)
        if kind == "template" and _IS_STYLES.search(text):
            text = _shrink(text)
        if kind == "comment":
            continue
        if kind == "line":
            while made and made[-1] == " ":
                made.pop()
            if made and made[-1] != "\n" and made[-1] not in _GO_ON:
                made.append("\n")
        elif kind == "space":
            if made and made[-1] != "\n" and made[-1] not in _SIGNS:
                made.append(" ")
        else:
            if text in _SIGNS and made and made[-1] == " ":
                made.pop()
            if text in _END and made and made[-1] == "\n":
                made.pop()
            made.append(text)
    return made


def _join_constants(pieces: list[str]) -> list[str]:
    """Declare constants that follow each other in one statement: `const a=1;const b=2` is `const a=1,b=2`."""
    made: list[str] = []
    begins_with = [""]  # each statement that is open, the innermost last
    was_constant = False  # the statement that ended just now
    for at, piece in enumerate(pieces):
        if piece == "const" and was_constant and made[-1] == ";":
            made[-1], begins_with[-1] = ",", piece
            continue
        if piece == " " and pieces[at - 1 : at] == ["const"] and made[-1] == ",":
            continue
        was_constant = piece == ";" and begins_with[-1] == "const"
        if piece in _GO_ON and piece not in ";,":
            begins_with[-1] = begins_with[-1] or piece
            begins_with.append("")
        elif piece in _END:
            begins_with = begins_with[:-1] or [""]  # a part may end what another has begun
            if piece == "}" and begins_with[-1] != "const":
                begins_with[-1] = ""  # of a block
        elif piece == ";":
            begins_with[-1] = ""
        elif piece.strip():
            begins_with[-1] = begins_with[-1] or piece
        made.append(piece)
    return made


def _template(script: str, start: int) -> str:
    """From its first to its last backtick, over what stands in its braces."""
    at = start + 1
    while script[at] != "`":
        if script[at] == "\\":
            at += 1
        elif script.startswith("${", at):
            depth, at = 1, at + 2
            while depth:
                if script[at] == "`":
                    at += len(_template(script, at)) - 1
                depth += {"{": 1, "}": -1}.get(script[at], 0)
                at += 1
            continue
        at += 1
    return script[start : at + 1]


def _shrink(styles: str) -> str:
    return re.sub(r"(?<=[;{},:]) +| +(?=[{}])", "", re.sub(r"\s*\n\s*", " ", styles))
