"""Knowledge: where it comes from, its documents, their chunks, and the index that answers from them."""

from __future__ import annotations

from knowledge.models.audience import ANYONE, INSIDER, Audience, Visibility
from knowledge.models.curated import (
    CuratedAnswer,
    CuratedAnswerQuerySet,
    CuratedQuestion,
    CuratedState,
    CuratedVector,
)
from knowledge.models.datasets import BotDataset, Dataset, DatasetQuerySet
from knowledge.models.documents import Chunk, ContentOrigin, Document, RestrictedPart
from knowledge.models.floors import RefusalFloors
from knowledge.models.index import (
    LEXICAL_DIMENSIONS,
    IndexEntry,
    LexiconTerm,
    LexiconTotals,
    NextVector,
)
from knowledge.models.reembedding import Reembedding, ReembeddingQuerySet, ReembeddingStatus
from knowledge.models.sites import PageState, SitePage, SiteSync, SyncState
from knowledge.models.sources import Source, SourceFile, SourceQuerySet
from knowledge.models.staging import StagedText, StagedVector
from knowledge.models.states import Redo, SourceStatus, SourceType
from knowledge.models.versions import (
    DocumentEdit,
    DocumentEditQuerySet,
    DocumentVersion,
    DocumentVersionQuerySet,
    EditStatus,
)
from knowledge.models.written.corrections import (
    CONFLICTS,
    LONGEST_CORRECTION,
    Correction,
    CorrectionState,
    Decision,
)
from knowledge.sources.schedule import RefreshSchedule

__all__ = [
    "ANYONE",
    "CONFLICTS",
    "INSIDER",
    "LEXICAL_DIMENSIONS",
    "LONGEST_CORRECTION",
    "Audience",
    "BotDataset",
    "Chunk",
    "ContentOrigin",
    "Correction",
    "CorrectionState",
    "CuratedAnswer",
    "CuratedAnswerQuerySet",
    "CuratedQuestion",
    "CuratedState",
    "CuratedVector",
    "Dataset",
    "DatasetQuerySet",
    "Decision",
    "Document",
    "DocumentEdit",
    "DocumentEditQuerySet",
    "DocumentVersion",
    "DocumentVersionQuerySet",
    "EditStatus",
    "IndexEntry",
    "LexiconTerm",
    "LexiconTotals",
    "NextVector",
    "PageState",
    "Redo",
    "Reembedding",
    "ReembeddingQuerySet",
    "ReembeddingStatus",
    "RefreshSchedule",
    "RefusalFloors",
    "RestrictedPart",
    "SitePage",
    "SiteSync",
    "Source",
    "SourceFile",
    "SourceQuerySet",
    "SourceStatus",
    "SourceType",
    "StagedText",
    "StagedVector",
    "SyncState",
    "Visibility",
]
