"""Takes out of texts what a model shall not read, and puts it back where the model repeats what stands for it.

One `Masker` serves one turn: the same value has the same placeholder, such as `[EMAIL_1]`, in all that any model is
asked in it. A placeholder that somebody wrote himself is taken out as well, so that it comes back as it was written.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from minirag.lib.masking.choosing import Masking, compile_pattern
from minirag.lib.masking.kinds import Kind, Span, find_kind, regions_of

OWN: Final = "own"
_WRITTEN: Final = "written"
_PLACEHOLDER: Final = re.compile(r"\[(?:EMAIL|IBAN|CARD|PHONE|IP|OWN|WRITTEN)\\?_\d{1,5}\]")
_BEGUN: Final = re.compile(r"\[[A-Z]{0,7}\\?(?:_\d{0,5})?$")
_LONGEST: Final = len("[WRITTEN\\_00000]")
_MOST_VALUES: Final = 2_000
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*')
Rules = Iterator[tuple[str, Iterator[Span]]]
NOTE: Final = (
    "Private data of the visitor was taken out; words in square brackets such as [EMAIL_1] or [PHONE_2] stand for it. "
    "Where you need one, repeat it exactly, with its brackets. They are no numbers of sources. Never invent one."
)


class Masker:
    """`kinds` is what it has taken out so far, and how many of each."""

    def __init__(self, choice: Masking, languages: Sequence[str] = ()) -> None:
        self._choice = choice
        self._regions = regions_of(languages) if Kind.PHONE in choice.kinds else ()
        self._placeholders: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._masked: dict[str, str] = {}
        self.kinds: dict[str, int] = {}

    @property
    def takes_out(self) -> bool:
        return self._choice.takes_out

    def mask(self, text: str) -> str:
        """The text with placeholders for all that is of a chosen kind."""
        if not self.takes_out or not text:
            return text
        if text not in self._masked:
            self._masked[text] = self._replace(text, self._rules(text))
        return self._masked[text]

    def read(self, texts: Iterable[str]) -> None:
        """Mask texts ahead, in a thread, since a long one takes its time."""
        for text in texts:
            self.mask(text)

    def mask_json(self, text: str) -> str:
        """A text of JSON, which stays JSON: what its strings and numbers say is masked, not how it is written."""
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return self.mask(text)

        def mask_token(match: re.Match[str]) -> str:
            token = match[0]
            # An escape may say half of a character, which no pattern reads.
            said = json.loads(token).encode(errors="replace").decode() if token[0] == '"' else token
            masked = self.mask(said)
            return token if masked == said else json.dumps(masked, ensure_ascii=False)

        return _TOKEN.sub(mask_token, text)

    @property
    def masks_passages(self) -> bool:
        return self.takes_out and self._choice.passages

    def _replace(self, text: str, rules: Rules) -> str:
        said, at = list[str](), 0
        for start, end, kind in sorted(_find(text, rules)):
            said += [text[at:start], self._placeholder_of(text[start:end], kind)]
            at = end
        return "".join([*said, text[at:]]) if said else text

    def mask_passage(self, text: str) -> str:
        """A passage: as any text by choice, and else without what was taken out of the conversation."""
        if self._choice.passages:
            return self.mask(text)
        return self._replace(text, self._known(text)) if self._placeholders else text

    def restore(self, text: str, *, in_json: bool = False) -> str:
        """The text with what its placeholders stand for; those of nobody stay. `in_json`: within a string of JSON."""
        if not self._values:
            return text

        def value_of(match: re.Match[str]) -> str:
            value = self._values.get(match[0].replace("\\", ""))
            if value is None:
                return match[0]
            return json.dumps(value, ensure_ascii=False)[1:-1] if in_json else value

        return _PLACEHOLDER.sub(value_of, text)

    def _rules(self, text: str) -> Rules:
        yield _find_written(text)
        for pattern in self._choice.patterns:
            yield OWN, (match.span() for match in compile_pattern(pattern).finditer(text))
        for kind in Kind:
            if kind in self._choice.kinds:
                yield kind.value, find_kind(kind, text, self._regions)

    def _known(self, text: str) -> Rules:
        yield _find_written(text)
        for value in sorted(self._placeholders, key=len, reverse=True):
            if value in text:
                yield OWN, _find_value(value, text)

    def _placeholder_of(self, value: str, kind: str) -> str:
        if (known := self._placeholders.get(value)) is not None:
            return known
        number = self.kinds.get(kind, 0) + 1
        self.kinds[kind] = number
        made = f"[{kind.upper()}_{number}]"
        if (
            len(self._values) < _MOST_VALUES
        ):  # beyond it a value is gone for good, and says only its kind
            self._placeholders[value], self._values[made] = made, value
        return made


def _find(text: str, rules: Rules) -> Iterator[tuple[int, int, str]]:
    """What is to be taken out, the first rule first where two want the same."""
    taken = bytearray(len(text))
    for kind, spans in rules:
        for start, end in spans:
            if start < end and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                yield start, end, kind


def _find_written(text: str) -> tuple[str, Iterator[Span]]:
    return _WRITTEN, (match.span() for match in _PLACEHOLDER.finditer(text))


def _find_value(value: str, text: str) -> Iterator[Span]:
    at = text.find(value)
    while at >= 0:
        yield at, at + len(value)
        at = text.find(value, at + len(value))


async def mask_asked(
    masker: Masker, question: str, passages: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """A question and passages as a model outside reads them, made off the event loop."""
    if not masker.takes_out:
        return question, list(passages)

    def mask() -> tuple[str, list[str]]:
        return masker.mask(question), [masker.mask_passage(each) for each in passages]

    return await asyncio.to_thread(mask)


NOTHING: Final = Masker(Masking())
"""Takes nothing out: of models of ours, which tell nobody."""


class Restorer:
    """Puts back what stands in an answer that comes in pieces, whose borders may lie within a placeholder."""

    def __init__(self, masker: Masker, *, in_json: bool = False) -> None:
        self._masker, self._in_json, self._held = masker, in_json, ""

    def feed(self, piece: str) -> str:
        """What can be said by now."""
        if not self._masker.kinds and not self._held:
            return piece
        text = self._held + piece
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST))
        cut = begun.start() if begun else len(text)
        self._held = text[cut:]
        return self._masker.restore(text[:cut], in_json=self._in_json)

    def flush(self) -> str:
        """What was held back at the end."""
        rest, self._held = self._held, ""
        return self._masker.restore(rest, in_json=self._in_json)
