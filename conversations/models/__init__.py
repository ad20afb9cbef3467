"""Conversations: chats, their messages, and what an answer cites."""

from __future__ import annotations

from conversations.exports import models as export_models  # noqa: F401 - Django looks for models here
from conversations.models.annotations import ChatNote, ChatTag
from conversations.models.canned import CannedAnswer
from conversations.models.chats import Chat, Trait
from conversations.models.citations import EXCERPT_LENGTH, Citation, CitationKind
from conversations.models.evaluations import (
    LONGEST_ANSWER,
    EvaluationResult,
    EvaluationRun,
    RunStatus,
)
from conversations.models.gaps import Gap, GapQuestion, GapState
from conversations.models.golden import MOST_BEFORE, GoldenQuestion, name_question
from conversations.models.handoffs import (
    Handoff,
    HandoffEnd,
    HandoffReason,
    HandoffRules,
    HandoffState,
)
from conversations.models.messages import (
    CutReason,
    Feedback,
    Message,
    MessageRole,
    Refused,
    leave_out_retried,
)
from conversations.models.retention import ChatRetention

__all__ = [
    "EXCERPT_LENGTH",
    "LONGEST_ANSWER",
    "MOST_BEFORE",
    "CannedAnswer",
    "Chat",
    "ChatNote",
    "ChatRetention",
    "ChatTag",
    "Citation",
    "CitationKind",
    "CutReason",
    "EvaluationResult",
    "EvaluationRun",
    "Feedback",
    "Gap",
    "GapQuestion",
    "GapState",
    "GoldenQuestion",
    "Handoff",
    "HandoffEnd",
    "HandoffReason",
    "HandoffRules",
    "HandoffState",
    "Message",
    "MessageRole",
    "Refused",
    "RunStatus",
    "Trait",
    "leave_out_retried",
    "name_question",
]
