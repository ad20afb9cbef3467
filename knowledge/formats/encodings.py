"""In which encoding a text is, told from its bytes, for files that do not say it.

UTF-8 is known by its form and UTF-16 by its zeros. Of older ones some can be told and some only guessed: which letters
they make, whether those stand where letters do, and how usual they are. What was guessed is said to the file's owner.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from knowledge.formats.sections import ParseError
from minirag.lib.telling.kept_sentences import kept

# UTF-32's little-endian mark starts with UTF-16's, so it has to be tried first.
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OF_TEXT: Final = (
    "ascii", "utf", "iso", "cp", "koi8", "mac", "gb", "big5", "euc", "shift", "johab", "hz", "hp-roman", "ptcp",
    "tis", "kz1048",
)  # fmt: skip
_SAMPLE: Final = 16 * 1024
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_PLAIN: Final = re.compile(rb"[\0\t\n\r\x20-\x7e]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SIGNS: Final = frozenset("€–—’‘‚“”„«»°§…·®©²³½¼£¿¡µ±×™•‰´ªº")
_WESTERN: Final = (
    "äöüßé", "éèêëàâçîïôùûœæÿ", "áéíóúñüç", "ãõáâàéêíóôúç", "àèéìòù", "æøåéäö", "ëéïöüèê", "ðþæöáéíóúý",
)  # fmt: skip
_CENTRAL: Final = ("ąćęłńóśźż", "áčďéěíňóřšťúůýžľĺŕôä", "áéíóöőúüű", "ăâîşţ", "čćđšž")
_LATIN: Final = {
    "windows-1252": _WESTERN, "windows-1250": _CENTRAL, "iso-8859-2": _CENTRAL, "windows-1254": ("çğıöşüâîû",),
    "windows-1257": ("āčēģīķļņšūž", "ąčęėįšųūž", "äöüõšž"), "mac-roman": _WESTERN, "cp850": _WESTERN,
}  # fmt: skip
"""The letters of the languages that each is used for. The most usual first: it wins where another is no better."""
_OTHERS: Final = (
    "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
    "cp874",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Encoding:
    """`is_guess`: neither said by the file nor certain from its form. `bad`: how many bytes are of no character."""

    name: str
    is_guess: bool = False
    bad: int = 0

    @property
    def is_utf8(self) -> bool:
        return self.name.startswith("utf-8")

    def notes(self) -> list[str]:
        """Sentences for the file's owner."""
        if self.bad:
            return [kept(f"{self.bad} bytes of it are not valid UTF-8 and were left out.")]
        if self.is_guess:
            return [
                f"It is not in UTF-8. It was read as {self.name}, as its letters suggest; "
                "if some are wrong, save it as UTF-8."
            ]
        return []


def find_codec(name: str) -> str | None:
    """The codec for an encoding that a server, a page or a letter names; None for none of text.

    Python has others under such names as well: punycode takes hours for a megabyte.
    """
    try:
        codec = codecs.lookup(name.strip()[:40])
    except (LookupError, ValueError):
        return None
    return codec.name if codec.name.startswith(_OF_TEXT) else None


def detect_encoding(data: bytes) -> Encoding:
    """Raises ParseError where it is in none that is known, and so is hardly a text."""
    for mark, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return Encoding(name)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        first_bad = error.start
    else:
        return _find_wide(data) or Encoding("utf-8")
    found = _find_wide(data) or _find_surrogates(data) or _find_hurt_utf8(data) or _guess(data)
    if found is None:
        raise ParseError(
            f"This file is not valid UTF-8 text (first bad byte at position {first_bad}), nor in another "
            "encoding that is known. Please save it as UTF-8 and upload it again.",
            code="encoding",
        )
    return found


def decode_bytes(data: bytes, encoding: Encoding) -> str:
    """Raises ParseError for a file that breaks the encoding that its mark names."""
    try:
        if encoding.bad:
            return data.decode("utf-8", "ignore")
        return data.decode(encoding.name)
    except UnicodeDecodeError as error:
        named = "UTF-8" if encoding.is_utf8 else encoding.name.upper()
        raise ParseError(
            f"This file is not valid {named} text (first bad byte at position {error.start}). "
            "Please save it as UTF-8 and upload it again.",
            code="encoding",
        ) from None


def _find_wide(data: bytes) -> Encoding | None:
    """UTF-16 without its mark: in most languages every other byte is a zero where spaces and line ends are."""
    sample = data[: _SAMPLE - _SAMPLE % 2]
    pairs = len(sample) // 2
    if pairs < 2 or not sample.count(0) or len(data) % 2:
        return None
    zeros = sample[0::2].count(0), sample[1::2].count(0)
    # Letters of ASCII have a zero each; a few zeros among them are none of UTF-16.
    share = 0.9 if _PLAIN.fullmatch(sample) else 0.2
    for name, mine, other in (("utf-16-be", *zeros), ("utf-16-le", *zeros[::-1])):
        if mine >= share * pairs and other == 0:
            try:
                data.decode(name)
            except UnicodeDecodeError:
                continue
            return Encoding(name, is_guess=True)
    return None


def _find_surrogates(data: bytes) -> Encoding | None:
    """UTF-8 of a program that writes each half of a pair by itself, as old databases do with emoji."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return Encoding("utf-8", bad=3 * len(_SURROGATE.findall(text)))


def _find_hurt_utf8(data: bytes) -> Encoding | None:
    """A few broken bytes in much that is UTF-8 do not make it another encoding."""
    text = data.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = len(text) - len(text.encode("ascii", "ignore")) - bad
    return Encoding("utf-8", bad=bad) if good >= 4 * bad else None


def _guess(data: bytes) -> Encoding | None:
    sample = _sample_lines(data)
    if len(_CONTROL.findall(sample)) * 100 > len(sample):
        return None
    runs = _HIGH_RUN.findall(sample)
    is_latin = sum(map(len, runs)) < 2.5 * len(runs)
    names = _rank_latin(sample) if is_latin else _rank_others(sample)
    for name in names:
        try:
            data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        return Encoding(name, is_guess=True)
    return None


def _sample_lines(data: bytes) -> bytes:
    """Lines that say something about the encoding."""
    lines: list[bytes] = []
    size = 0
    for line in data.split(b"\n"):
        if not line.isascii():
            lines.append(line[:2000])
            size += len(lines[-1])
            if size > _SAMPLE:
                break
    return b"\n".join(lines)


def _rank_latin(sample: bytes) -> list[str]:
    scores: dict[str, int] = {}
    for name, languages in _LATIN.items():
        try:
            text = sample.decode(name)
        except UnicodeDecodeError:
            continue
        # İ is a letter whose small one is two characters.
        alphabets = [_SIGNS.union(letters, letters.upper(), "İ") for letters in languages]
        scores[name] = max(_count_plausible(text, alphabet) for alphabet in alphabets)
    ranked = sorted(scores, key=lambda name: -scores[name])
    best = [name for name in ranked if scores[name] == scores[ranked[0]]]
    if "windows-1252" in best[1:] or len(best) < 2:
        return ranked
    return [*_rank_by_use(sample, best), *ranked[len(best) :]]


def _count_plausible(text: str, letters: frozenset[str]) -> int:
    """How many characters of no ASCII are usual ones, and stand where they do."""
    count = 0
    for at, character in enumerate(text):
        if character < "\x80":
            continue
        before, after = text[at - 1 : at], text[at + 1 : at + 2]
        is_shouted = character.isupper() and before.islower()
        is_in_word = (
            character in _SIGNS and before.isalpha() and after.isalpha() and character != "’"
        )
        count += character in letters and not is_shouted and not is_in_word
    return count


def _rank_by_use(sample: bytes, names: list[str]) -> list[str]:
    """The same letters in several encodings: which of them make words of a language."""
    from charset_normalizer import from_bytes

    texts = {name: sample.decode(name) for name in names}
    if len(set(texts.values())) == 1:
        return names
    codes = {codecs.lookup(name).name.replace("-", "_"): name for name in names}
    found = from_bytes(sample, cp_isolation=list(codes), threshold=0.4)
    order = [codes[match.encoding] for match in found if match.encoding in codes]
    return [*order, *(name for name in names if name not in order)]


def _rank_others(sample: bytes) -> list[str]:
    from charset_normalizer import from_bytes

    matches = list(from_bytes(sample, cp_isolation=list(_OTHERS), threshold=0.4))
    ranked = sorted(
        matches, key=lambda match: (_is_narrow(str(match)), match.chaos, -match.coherence)
    )
    names = [match.encoding for match in ranked]
    # Hebrew's letters are few and all in one place, where other alphabets have only some of theirs.
    is_hebrew = all(0xE0 <= byte <= 0xFA for run in _HIGH_RUN.findall(sample) for byte in run)
    if is_hebrew and "cp1255" in names and ranked[0].coherence == 0:
        names.insert(0, "cp1255")
    return [*names, "windows-1252"]


def _is_narrow(text: str) -> bool:
    """Japanese in half-wide letters, which nobody writes, is another alphabet's text."""
    return 2 * sum("\uff61" <= character <= "\uff9f" for character in text) > sum(
        character > "\x7f" for character in text
    )
