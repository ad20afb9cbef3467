"""What a text says beneath letters that were spaced, swapped, turned round or encoded to get past a reader. Pure."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

# Letters of other scripts that look like Latin ones, where a word mixes both.
_ALIKE: Final = str.maketrans("асеіјорѕухвкмнтԁɡαεικνορτυχ", "aceijopsyxbkmhtdgaeiknoptux")
_LEET: Final = str.maketrans("013457@$!", "oieastasi")
_LATIN = re.compile(r"[A-Za-z]")
_FOREIGN = re.compile(r"[\u0370-\u04ff\u0500-\u052f\u0261]")
_DIGIT_IN_WORD = re.compile(r"[A-Za-z][0-9@$!]+[A-Za-z]|\b[0-9@$]+[A-Za-z]{2}")
_SPELLED = re.compile(r"(?<!\w)\w(?:([ ._*|-])\w(?!\w))(?:\1\w(?!\w))+")
_IN_WORD = re.compile(r"(?<=[^\W\d_])[-_.*|~·](?=[^\W\d_])")
_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-fA-F]{2}){10,}(?!\w)")
# What turned text is tried for: some of these stand in every order to drop or show instructions.
_TURNED_ROUND = re.compile(
    r"instruc|instruk|anweisung|rules|prompt|regeln|istruz|instruç", re.IGNORECASE
)


def unmask(text: str) -> Iterator[str]:
    """The text as it would be read, then each other reading that differs from it."""
    read = "".join(
        character
        for character in unicodedata.normalize("NFKC", text)
        if unicodedata.category(character) != "Cf"
    )
    yield read
    yield from {
        reading
        for reading in (
            _without_look_alikes(read), _without_marks(read), _without_digits(read), *_turned(read), *_decoded(read),
        )
        if reading != read
    }  # fmt: skip


def _without_look_alikes(text: str) -> str:
    return " ".join(
        word.casefold().translate(_ALIKE) if _LATIN.search(word) and _FOREIGN.search(word) else word
        for word in text.split(" ")
    )


def _without_marks(text: str) -> str:
    """Letters that were spaced, and words that were cut, as words; a wider gap is one between words."""
    words = [
        _SPELLED.sub(lambda found: re.sub(re.escape(found[1]), "", found[0]), part)
        for part in re.split(r"\s{2,}", text)
    ]
    return _IN_WORD.sub("", " ".join(words))


def _without_digits(text: str) -> str:
    return text.translate(_LEET) if _DIGIT_IN_WORD.search(text) else text


def _turned(text: str) -> Iterator[str]:
    for turned in (codecs.encode(text, "rot13"), text[::-1]):
        if _TURNED_ROUND.search(turned):
            yield turned


def _decoded(text: str) -> Iterator[str]:
    """What stands encoded in a text; what is not text when it is decoded was not encoded."""
    for token in _HEX.findall(text):
        yield bytes.fromhex(token).decode("utf-8", "ignore")
    for token in _BASE64.findall(text):
        try:
            yield base64.b64decode(
                token + "=" * (-len(token) % 4),
                altchars=b"-_" if "-" in token or "_" in token else None,
            ).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
