"""The knowledge bases written for measuring, and the questions to each. Pure but for the files.

A base is a folder of `bases/`: `base.json` says whose bot it is, `pages/` holds what it knows, and `questions.jsonl`
what visitors ask, one object a line. Half of the questions may be used to choose thresholds ("tuning"), the other half
only to report what came of it ("held-out"); which is which stands in the files and goes by page, so that no page is in
both. A base whose `is_held_out` is true may not be tuned on at all.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BASES: Final = Path(__file__).resolve().parent / "bases"

ANSWERABLE: Final = ("plain", "follow-up", "typo", "compound")
"""Kinds whose answer stands on a page."""
DECLINED: Final = ("off-topic", "near-topic")
SMALL_TALK: Final = "small-talk"
KINDS: Final = (*ANSWERABLE, *DECLINED, SMALL_TALK)
HALVES: Final = ("tuning", "held-out")


@dataclass(frozen=True)
class Question:
    """One thing that a visitor says. `before` are the visitor's earlier questions in the same chat.

    `pages` are the pages that hold the answer. `must` and `must_not` are patterns for the answer's text, letters of
    either case. `standard` is the same question in full and spelled right, which shows what the kind costs.
    """

    key: str
    kind: str
    language: str
    half: str
    text: str
    before: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    standard: str = ""

    def has_facts(self, answer: str) -> bool:
        """Whether an answer says what it must, and nothing that it must not."""
        plain = " ".join(answer.split())
        return all(re.search(each, plain, re.IGNORECASE) for each in self.must) and not any(
            re.search(each, plain, re.IGNORECASE) for each in self.must_not
        )


@dataclass(frozen=True)
class KnowledgeBase:
    name: str
    bot_name: str
    language: str
    is_held_out: bool
    pages: tuple[Path, ...]
    questions: tuple[Question, ...]


def load_base(name: str) -> KnowledgeBase:
    folder = BASES / name
    facts: dict[str, Any] = json.loads((folder / "base.json").read_text())
    lines = (folder / "questions.jsonl").read_text().splitlines()
    questions = [
        read_question(name, json.loads(line), facts) for line in lines if line.startswith("{")
    ]
    return KnowledgeBase(
        name, facts["bot_name"], facts["language"], facts["is_held_out"],
        tuple(sorted((folder / "pages").iterdir())), tuple(questions),
    )  # fmt: skip


def read_question(base: str, row: dict[str, Any], facts: dict[str, Any]) -> Question:
    """One line of a questions file; its half is that of its page, or its own where it has no page."""
    pages = (row["page"],) if isinstance(row.get("page"), str) else tuple(row.get("page", ()))
    tuning = set(facts["tuning_pages"])
    half = row.get("half") or ("tuning" if pages and pages[0] in tuning else "held-out")
    return Question(
        key=f"{base}/{row['id']}", kind=row["kind"], language=row.get("lang", facts["language"]),
        half="held-out" if facts["is_held_out"] else half, text=row["q"], before=tuple(row.get("before", ())),
        pages=pages, must=tuple(row.get("must", ())), must_not=tuple(row.get("not", ())),
        standard=row.get("standard", ""),
    )  # fmt: skip
