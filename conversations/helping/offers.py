"""What a visitor is offered who got no answer, or to whom several would fit. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from conversations.models import EXCERPT_LENGTH
from knowledge.retrieval.passages import Passage
from minirag.lib.text.headings import hide_heading_marks
from minirag.lib.text.phrases import phrases_in

_LONGEST_LABEL = 120
_CONTROLS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0e-\x1f\x7f]")
_LONGEST_URL = 2000


@dataclass(frozen=True)
class Near:
    """A passage that comes close to what was asked, as it was then. `chunk_id` is the chunk's id as clients see it."""

    chunk_id: str
    source_id: str
    title: str
    heading: str
    url: str
    page: int | None
    place: str
    content: str

    @classmethod
    def of(cls, passage: Passage) -> Near:
        return cls(
            chunk_id=passage.shown_id,
            source_id=str(passage.source_id),
            title=shorten(passage.title),
            heading=shorten(passage.heading.rpartition(" > ")[2]),
            # What is cut leads elsewhere.
            url=passage.url if len(passage.url) <= _LONGEST_URL else "",
            page=passage.page,
            place=passage.place,
            content=hide_heading_marks(passage.content)[:EXCERPT_LENGTH],
        )


@dataclass(frozen=True)
class Help:
    """What stands below an answer that is none: close `passages`, `questions` that have an answer, and a `contact`.

    `choices` instead are the readings of a question that may mean several things; asking one of them is the reply.
    `next_questions` alone stand below a good answer.
    Everything has its sentence to stand under in `language`, so that clients need no words of their own.
    """

    language: str
    passages: tuple[Near, ...] = ()
    questions: tuple[str, ...] = ()
    contact: str = ""
    choices: tuple[str, ...] = ()
    next_questions: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        offered = self.passages or self.questions or self.contact or self.choices
        return not (offered or self.next_questions)


def describe_help(help: Help | None) -> dict[str, Any] | None:
    """As it is stored and shown; None where there is nothing to offer."""
    if help is None or help.is_empty:
        return None
    phrases = phrases_in(help.language)
    label = phrases.ask_on if help.next_questions else phrases.try_asking
    questions = help.next_questions or help.questions
    return {
        "language": help.language,
        "choices": list(help.choices),
        "passages_label": phrases.may_mean if help.passages else "",
        "passages": [asdict(each) for each in help.passages],
        "questions_label": label if questions else "",
        "questions": list(questions),
        "contact_label": phrases.contact.format(help.contact) if help.contact else "",
        "contact": help.contact,
    }


def shorten(text: str) -> str:
    """A label on one line and of bearable length, cut between words; nothing in it turns the text around it."""
    line = " ".join(_CONTROLS.sub("", text).split())
    if len(line) <= _LONGEST_LABEL:
        return line
    head = line[: _LONGEST_LABEL - 2]
    return (head.rpartition(" ")[0] or head) + " …"
