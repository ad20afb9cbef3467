"""The chat log on the wire, and a turn's trace."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from bots.models import Outcome
from conversations.models import CitationKind, CutReason, Feedback
from conversations.turns.schemas import Excerpt, HelpSchema, RefusalSchema, Score
from knowledge.documents.schemas import Place
from minirag.lib.days import Day
from minirag.lib.http_in.nouns import Moment, Noun
from minirag.lib.http_in.pagination import PagedSchema, PageQuery


class TurnCitationSchema(Noun):
    number: Annotated[int, Field(description="The `[1]` in the answer.")]
    kind: CitationKind
    chunk_id: UUID
    source_id: UUID
    title: Annotated[str, Field(examples=["Hours"])]
    url: str
    page: int | None
    place: Place
    content: Excerpt
    score: Score


class TurnUsageSchema(Noun):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost_usd: float


class TurnSchema(Noun):
    """A question and what became of it. What was not recorded, in turns from before this log, is null."""

    id: Annotated[UUID, Field(description="Of the question.")]
    request_id: str
    chat_id: UUID
    bot_profile_id: Annotated[UUID, Field(description="The chat's bot.")]
    message_id: Annotated[UUID | None, Field(description="Of the answer.")]
    question: Annotated[str, Field(examples=["When are you open?"])]
    answer: str | None
    outcome: Outcome
    error_code: str
    cut_reason: Annotated[CutReason | None, Field(description="Why the answer is not whole.")]
    refusal: RefusalSchema | None
    help: HelpSchema | None
    citations: list[TurnCitationSchema]
    citation_valid: Annotated[bool | None, Field(description="It cites, and only what was there.")]
    unsupported: Annotated[
        int | None, Field(description="Cited sentences that their passages do not hold.")
    ]
    curated_answer_id: Annotated[
        UUID | None, Field(description="The curated answer that was given.")
    ]
    retrieval: Annotated[
        dict[str, Any] | None, Field(description="What was found: mode, scores, passages, times.")
    ]
    model: str | None
    usage: TurnUsageSchema | None
    latency_ms: int | None
    time_to_first_token_ms: int | None
    feedback: Feedback | None
    feedback_reason: str | None
    created_at: Moment


class TurnPageSchema(PagedSchema[TurnSchema]):
    total: int
    total_is_exact: bool


class ChatLogQuery(PageQuery):
    """`q` looks for words, or their beginnings, in questions and answers."""

    bot_profile_id: UUID | None = None
    chat_id: UUID | None = None
    request_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    outcome: Outcome | None = None
    refusal_only: bool = False
    citation_valid: bool | None = None
    feedback: Literal["positive", "negative"] | None = None
    from_date: Day | None = None
    to_date: Day | None = None
    q: Annotated[str, Field(min_length=2, max_length=200)] | None = None


# --- A turn's trace: why this answer --------------------------------------------------------------------------------
class TraceCarriedSchema(Noun):
    text: str
    weight: float


class TraceUnderstoodSchema(Noun):
    """What was asked, in its conversation."""

    kind: Annotated[str, Field(examples=["follow_up"])]
    small_talk: str | None
    language: Annotated[str, Field(examples=["en"])]
    question: Annotated[str, Field(description="What was searched for.")]
    carried: Annotated[
        list[TraceCarriedSchema], Field(description="From before it, and what its words count.")
    ]
    parts: Annotated[
        list[str],
        Field(description="The questions of one that asks for several things; each is searched."),
    ] = []
    variations: Annotated[
        list[str], Field(description="The question in other words, which were searched as well.")
    ] = []
    decided_by: Annotated[
        str, Field(description="`words`, `model`, or `choice` where a reading was chosen.")
    ]
    milliseconds: float


class TraceRewritingSchema(Noun):
    """Asking a model for the question in other words."""

    model: str
    outcome: Annotated[str, Field(description="`used`, `unusable`, `timeout` or `failed`.")]
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    milliseconds: float


class TraceExpansionSchema(Noun):
    """A word of the tenant's that was searched for as well."""

    term: str
    found: str
    kind: Annotated[
        str, Field(description="`spelling`, `form`, `parts`, `compound`, `joined` or `meaning`.")
    ]
    weight: float


class TraceExternalSchema(Noun):
    source_id: UUID
    outcome: str
    passages: int
    milliseconds: float


class TraceSearchSchema(Noun):
    """The confidence is made of the best cosine and the best share of the question's words."""

    mode: Annotated[
        str, Field(description="`hybrid`, or `lexical` where only words were compared.")
    ]
    language: str
    confidence: float
    threshold: float
    floor: Annotated[
        str | None,
        Field(description="Which floor the threshold is: `none`, `own`, `hopeless`, `balanced` or `strict`."),
    ]  # fmt: skip
    made_for: Annotated[
        str | None,
        Field(description="What that floor fits: the bot's `base`, its `embedder`, or `words` alone."),
    ]  # fmt: skip
    top_cosine: float | None
    bm25_share: float | None
    terms: Annotated[int | None, Field(description="Words of the question that counted.")]
    carrier: Annotated[
        str | None, Field(description="A word, such as a part's number, that carried the question alone.")
    ]  # fmt: skip
    embedding_model: str | None
    milliseconds: float | None
    expansions: list[TraceExpansionSchema]
    external: list[TraceExternalSchema]


class TraceCandidateSchema(Noun):
    """A passage that was found, or left out. `bm25` is its score by words, `cosine` by meaning, `fused` both together,
    `closeness` what saying the words together added, `taken_up` how much of the question its fullest sentence takes up
    where it was read for that, and `score` what its place counts in the end.
    """

    place: int
    chunk_id: str
    source_id: UUID
    score: float | None
    bm25: float | None
    cosine: float | None
    fused: float | None
    closeness: float | None
    taken_up: float | None
    fate: Annotated[
        Literal["cited", "read", "not_read", "repeat", "limit"],
        Field(
            description="`read` but not cited; `not_read` where nobody was asked or there was no room; `repeat` of a "
            "better one; behind the `limit` of passages."
        ),
    ]
    repeat_of: str | None
    numbers: Annotated[list[int], Field(description="Its `[1]` in the answer.")]
    is_external: bool
    is_gone: Annotated[bool, Field(description="It, or its source, was deleted since.")]
    source: str
    title: str
    heading: str
    excerpt: str


class TraceCheckSchema(Noun):
    """What the offline answerer's check of its quotations found."""

    is_answered: bool
    coverage: Annotated[float, Field(description="Of the question's weight, 0 to 1.")]
    missing: list[str]
    lacks: Annotated[
        str, Field(description="The kind of answer that is not there, such as `price`.")
    ]


class TracePromptSchema(Noun):
    """What whoever answered was given to read, and of how much."""

    passages: int
    passages_found: int
    said: Annotated[int, Field(description="Messages from before the question.")]
    said_before: int
    characters: int
    is_shortened: Annotated[bool, Field(description="The model said that it was too much.")]


class TraceSupportSchema(Noun):
    sentence: str
    numbers: list[int]
    is_supported: bool
    why: str


class TraceCallSchema(Noun):
    """One call of a model."""

    purpose: Annotated[
        str, Field(description="`rewrite`, `vary`, `embedding`, `rerank` or `answer`.")
    ]
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    milliseconds: float | None


class TracedSchema(Noun):
    """What a turn understood, found, judged and spent; what was not recorded is null or empty."""

    understood: TraceUnderstoodSchema | None
    rewriting: TraceRewritingSchema | None
    search: TraceSearchSchema | None
    candidates: list[TraceCandidateSchema]
    check: TraceCheckSchema | None
    asked_back: Annotated[bool, Field(description="Whether the visitor was asked what they mean.")]
    missing: Annotated[list[str], Field(description="Words of a declined question.")]
    prompt: TracePromptSchema | None
    support: list[TraceSupportSchema]
    dropped_citations: Annotated[int | None, Field(description="Such as led nowhere.")]
    calls: list[TraceCallSchema]
    stages: Annotated[dict[str, Any], Field(description="Milliseconds of each stage.")]
    latency_ms: int | None
    first_token_ms: int | None
    audience: Annotated[
        list[str],
        Field(
            description="The groups of who asked; `*` for the tenant's own people, who read all."
        ),
    ]
    masked: Annotated[
        dict[str, int],
        Field(description="How much of each kind was kept from models, never what it was."),
    ]


class TraceSchema(TracedSchema):
    """A turn and why it ended as it did."""

    turn_id: Annotated[UUID, Field(description="Of the question.")]
    chat_id: UUID
    bot_profile_id: UUID
    message_id: Annotated[UUID | None, Field(description="Of the answer.")]
    created_at: Moment
    question: str
    answer: str | None
    outcome: Outcome
    error_code: str
    refusal: RefusalSchema | None
