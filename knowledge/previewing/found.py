"""What a preview says: the pages or files that were looked at, and what all of them may come to."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from knowledge.formats.isolated.measuring import count_chunks_isolated
from knowledge.formats.parsing import ParsedDocument, ParseError
from knowledge.indexing.embedding import find_counter
from knowledge.models import PageState, SitePage
from knowledge.models.audience import tell_groups
from knowledge.sites.comparing import compare
from knowledge.sites.visiting import Visit

MOST_PAGES: Final = 20
SECONDS: Final = 15.0
STEP_SECONDS: Final = 6.0
_LEAST: Final = 0.5


@dataclass(frozen=True)
class PreviewedPage:
    url: str
    title: str
    state: PageState
    code: str
    reason: str
    language: str
    chunks: int
    tokens: int
    groups: list[str] | None

    @property
    def readers(self) -> str:
        """Whom it says that it is for; empty where that is everybody."""
        return tell_groups(self.groups, everybody="")


@dataclass
class Preview:
    """`addresses` is how many were found, those that were looked at included; `is_whole`: all of them were."""

    embedding_model: str
    pages: list[PreviewedPage] = field(default_factory=list)
    addresses: int = 0
    is_whole: bool = True
    problem: str = ""
    estimated_cost_usd: Decimal | int = 0

    @property
    def can_be_ingested(self) -> bool:
        return not self.problem

    @property
    def taken(self) -> int:
        return sum(page.state == PageState.READ for page in self.pages)

    @property
    def tokens(self) -> int:
        return sum(page.tokens for page in self.pages)

    @property
    def estimated_pages(self) -> int:
        return self._scale(self.taken)

    @property
    def estimated_tokens(self) -> int:
        return self._scale(self.tokens)

    def _scale(self, seen: int) -> int:
        """What there is of something on all addresses, if they are like those that were looked at."""
        if self.is_whole or not self.pages:
            return seen
        return round(seen * max(self.addresses, len(self.pages)) / len(self.pages))


class Clock:
    """How long a preview still has. A step takes STEP_SECONDS at most, and never longer than what is left."""

    def __init__(self) -> None:
        self.ends_at = time.monotonic() + SECONDS

    @property
    def left(self) -> float:
        return self.ends_at - time.monotonic()

    @property
    def step(self) -> float:
        return min(STEP_SECONDS, max(self.left, _LEAST))


class Seen:
    """The pages that were looked at, kept as a look keeps them, of no look; their text is only counted."""

    def __init__(self, found: Preview, clock: Clock) -> None:
        self._found, self._clock = found, clock
        self._counter = find_counter(found.embedding_model)
        self._pages: dict[str, SitePage] = {}
        self._counts: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        return len(self._pages)

    def __contains__(self, url: str) -> bool:
        return url in self._pages

    def add(self, visit: Visit, depth: int = 0) -> None:
        page = self._pages[visit.link] = SitePage(
            url=visit.link, depth=depth, state=visit.state, code=visit.code, reason=visit.reason[:500],
            canonical=visit.canonical, content_hash=visit.content_hash, groups=visit.groups,
        )  # fmt: skip
        if visit.document is not None:
            page.title = visit.document.title[:500]
            page.language = visit.document.language[:8]
            self._count(page, visit.document)

    def _count(self, page: SitePage, document: ParsedDocument) -> None:
        try:
            self._counts[page.url] = count_chunks_isolated(
                document, counter=self._counter, seconds=self._clock.step
            )
        except ParseError as error:
            page.state, page.code, page.reason = PageState.FAILED, error.code, error.reason

    def tell(self) -> None:
        """Write down what a look would make of them."""
        compare(list(self._pages.values()), {}, gone_after=1, believes_all=False)
        self._found.pages = [self._describe(page) for page in self._pages.values()]

    def _describe(self, page: SitePage) -> PreviewedPage:
        is_taken = page.state == PageState.READ
        chunks, tokens = self._counts.get(page.url, (0, 0)) if is_taken else (0, 0)
        return PreviewedPage(
            url=page.url, title=page.title, state=PageState(page.state), code=page.code, reason=page.reason,
            language=page.language, chunks=chunks, tokens=tokens, groups=page.groups,
        )  # fmt: skip
