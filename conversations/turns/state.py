"""What is known of a turn while it goes on: who asks, what was asked, and what became of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from bots.models import BotProfile, Outcome, RefusalMode, Scope, SourceFilter, Strictness
from bots.quotas.counting import Reservation
from conversations.citing.supporting import Support
from conversations.helping.offers import Help
from conversations.models import Chat, Message
from conversations.turns.grounding import Refusal
from knowledge.curated.matching import Curated
from knowledge.models import ANYONE, Audience
from knowledge.retrieval.nyxcore import Base
from knowledge.retrieval.passages import Passage
from knowledge.retrieval.queries import Query
from knowledge.retrieval.retrieving import Retrieval
from minirag.ai.builtin.checking import Check
from minirag.ai.tooling import Calls, Tooling
from minirag.lib.errors import ProductError
from minirag.lib.masking.masker import Masker
from minirag.lib.metrics.counted import note_stage as count_stage
from minirag.lib.text.small_talk import Kind
from minirag.lib.tracing.spans import note_span

History = Sequence[tuple[str, str]]
"""What was said before as (role, content), oldest first; roles are "user" and "assistant"."""


@dataclass(frozen=True)
class Asker:
    """Who asks: a user (by token or JWT) or a widget's visitor, and the request it came with."""

    user_id: uuid.UUID | None = None
    visitor_id: str = ""
    origin: str = ""
    request_id: str = ""
    own_chats_only: bool = False  # a token that is bound to one bot
    token_id: uuid.UUID | None = None  # its family, which outlives a rotation
    languages: tuple[str, ...] = ()  # that the page and the browser ask for, the likeliest first
    audience: Audience = ANYONE  # who of those that a bot answers differently
    subject: str = ""  # who a widget's visitor is, by the page's own word for it
    asks_on: bool = False  # whether it is shown what may be asked next
    # Called in the transaction that stores the question, before it is: raises AlreadyAsked for a repetition.
    require_new: Callable[[], None] | None = None

    def key_of(self, text: str) -> tuple[str, str] | None:
        """Request id and text of a visitor's question, by which it is known again when it is retried."""
        return (self.request_id, text) if self.visitor_id else None


@dataclass
class Halt:
    """What a running turn is told when it is cancelled: an `error` where it is not its reader who stops it."""

    is_asked: bool = False
    error: ProductError | None = None


class AlreadyAsked(Exception):
    """The same is being asked, or was answered just now, as `question`: follow its turn."""

    def __init__(self, question: Message) -> None:
        super().__init__(str(question.pk))
        self.question = question


@dataclass(frozen=True)
class OpenTurn:
    """A turn whose question is stored. `history` is (role, content), oldest first."""

    bot: BotProfile
    chat: Chat
    question: Message
    history: tuple[tuple[str, str], ...]
    reservation: Reservation
    bases: tuple[Base, ...] = ()  # external ones to ask
    scopes: tuple[Scope, ...] = ()  # the bot's active ones
    languages: tuple[str, ...] = ()  # that the asker wants to be spoken to
    source_languages: tuple[str, ...] = ()
    refused: frozenset[int] = frozenset()  # positions in the history, of turns that were refused
    today: date | None = None  # where the tenant is
    source_filter: SourceFilter | None = None  # of this question, beside the bot's own
    audience: Audience = ANYONE
    # Whether there are answers of the bot's; one of the very words of the question is here.
    has_curated: bool = False
    curated: Curated | None = None
    tooling: Tooling | None = None
    is_orphan: bool = (
        False  # somebody else ends it, since the process that took it is taken for dead
    )

    @cached_property
    def masker(self) -> Masker:
        """Of all that models outside are asked in this turn; see `masker_of`."""
        return self.bot.make_masker()

    @property
    def offers_tools(self) -> bool:
        """Whether the model may look for an answer elsewhere: then it decides, unless only the sources may count."""
        offers = self.tooling is not None and bool(self.tooling.tools or self.tooling.exchange)
        return offers and self.bot.refusal_mode != RefusalMode.STRICT and not self.is_strict

    @property
    def is_strict(self) -> bool:
        return any(scope.strictness == Strictness.STRICT for scope in self.scopes)

    @property
    def goes_on(self) -> bool:
        """Whether the model has called something for this very question, and hears now what came of it."""
        return self.tooling is not None and bool(self.tooling.exchange)


BY_CHOICE: Final = "choice"


class TurnKind(StrEnum):
    QUESTION = "question"
    FOLLOW_UP = "follow_up"
    """It means something only together with what was said before."""
    SMALL_TALK = "small_talk"
    ASKS_FOR_PERSON = "asks_for_person"


@dataclass(frozen=True)
class Understood:
    """What was asked, in its conversation. `query` is what to search for, without greeting and thanks.

    `small_talk` is a kind where nothing has to be searched. `decided_by`: "words", "model" where a chat model put
    the question so that it stands alone, or "choice" where the visitor chose one of the readings that were asked back.
    """

    kind: TurnKind
    language: str
    query: Query
    small_talk: Kind | None = None
    decided_by: str = "words"
    milliseconds: float = 0.0

    @property
    def is_small_talk(self) -> bool:
        return self.small_talk is not None


@dataclass(frozen=True)
class Rewriting:
    """The call in which a model was to put the question so that it stands alone, and whether that was of use."""

    model: str
    outcome: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Any = 0
    milliseconds: float = 0.0


@dataclass(frozen=True)
class Prompted:
    """What a model was given to read of the passages and of what was said before, and of how many.

    `is_shortened`: it was still too much, by the provider's word, and was asked again with less.
    """

    passages: int
    passages_found: int
    said: int
    said_before: int
    characters: int
    is_shortened: bool = False


@dataclass
class Answer:
    """What became of a turn, filled in as it goes and written once."""

    content: str = ""
    outcome: str = Outcome.ANSWERED
    refusal: Refusal | None = None
    help: Help | None = None  # what stands below a refusal or an answer, or readings to choose from
    error_code: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: Any = 0
    first_token_ms: int | None = None
    duration_ms: int = 0
    is_stream: bool = False
    audience: Audience = ANYONE  # to whom it was said
    understood: Understood | None = None
    rewriting: Rewriting | None = None
    varying: Rewriting | None = None  # asking for the question in several other words
    retrieval: Retrieval | None = None
    curated: Curated | None = None
    citations: list[tuple[int, Passage]] = field(default_factory=list)
    dropped_citations: int = 0  # such as led nowhere
    support: list[Support] = field(default_factory=list)  # of each cited sentence
    masked: dict[str, int] = field(default_factory=dict)  # what models did not read, by kind
    cut_reason: str = ""  # a CutReason, of an answer that is not whole
    asked: tuple[dict[str, Any], ...] = ()  # the messages that a model was sent
    prompted: Prompted | None = None
    check: Check | None = None  # of what the offline answerer would quote
    calls: Calls = field(default_factory=Calls)  # of functions of the client's
    stages: dict[str, float] = field(default_factory=dict)  # of each that is over, in milliseconds
    clock: float = field(default_factory=time.perf_counter)  # when the stage that goes on began
    is_closed: bool = False
    calls_person: bool = False  # a wish for a person was heeded
    is_stored: bool = False  # of several ends of a turn, it is the one that counts

    def note_stage(self, stage: str) -> None:
        """Note how long a stage took that is over now."""
        now = time.perf_counter()
        seconds, self.clock = now - self.clock, now
        self.stages[stage] = round(seconds * 1000, 1)
        note_span(stage, seconds)
        count_stage("turn", stage, seconds)

    @property
    def only_calls(self) -> bool:
        """Whether nothing was said beside the calls of functions."""
        return bool(self.calls) and not self.content.strip()

    @property
    def is_asked_back(self) -> bool:
        """Whether the visitor was asked which of several readings they mean."""
        return self.help is not None and bool(self.help.choices)

    @property
    def is_late(self) -> bool:
        """Whether the model was given up because it took too long."""
        return self.error_code == "provider_timeout"

    @property
    def is_broken(self) -> bool:
        """Whether it ended by our fault or the provider's, and so is not to count against a quota of questions."""
        return self.outcome == Outcome.FAILED or bool(self.error_code)
