"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from knowledge.bulk import api as bulk_api
from knowledge.corrections import api as corrections_api
from knowledge.curated import api as curated_api
from knowledge.datasets import api as datasets_api
from knowledge.documents import api as documents_api
from knowledge.edits import api as edits_api
from knowledge.formats import api as formats_api
from knowledge.previewing import api as previewing_api
from knowledge.sites import api as sites_api
from knowledge.sources import api as sources_api
from knowledge.sources import upsert_api
from knowledge.tree import api as tree_api
from knowledge.versions import api as versions_api

urlpatterns = [
    path("chunks", corrections_api.ChunkList.as_view()),
    path("chunks/<str:chunk_id>", corrections_api.ChunkDetail.as_view()),
    path("corrections", corrections_api.CorrectionList.as_view()),
    path("corrections/<str:correction_id>", corrections_api.CorrectionDetail.as_view()),
    path("corrections/<str:correction_id>/decide", corrections_api.CorrectionDecision.as_view()),
    path("curated-answers", curated_api.CuratedAnswerList.as_view()),
    path("curated-answers/<str:curated_answer_id>", curated_api.CuratedAnswerDetail.as_view()),
    path("sources", sources_api.SourceList.as_view()),
    path("sources/batch", sources_api.SourceBatch.as_view()),
    path("sources/upload", sources_api.SourceUpload.as_view()),
    path("sources/upload-many", bulk_api.SourceUploads.as_view()),
    path("sources/formats", formats_api.FileFormats.as_view()),
    path("sources/validate-file", formats_api.FileValidation.as_view()),
    path("sources/preview", previewing_api.SourcePreview.as_view()),
    path("sources/tree", tree_api.SourceTree.as_view()),
    path("sources/reindex", documents_api.Reindexing.as_view()),
    path("sources/by-external-id/<path:external_id>", upsert_api.SourceByExternalId.as_view()),
    path("sources/<str:source_id>", sources_api.SourceDetail.as_view()),
    path("sources/<str:source_id>/children", sources_api.SourceChildren.as_view()),
    path("sources/<str:source_id>/ingest", sources_api.SourceIngestion.as_view()),
    path("sources/<str:source_id>/cancel", sources_api.SourceCancellation.as_view()),
    path("sources/<str:source_id>/ingest-children", sources_api.ChildrenIngestion.as_view()),
    path("sources/<str:source_id>/pages", sites_api.PageList.as_view()),
    path("sources/<str:source_id>/syncs", sites_api.SyncList.as_view()),
    path("sources/<str:source_id>/syncs/<str:sync_id>", sites_api.SyncDetail.as_view()),
    path("sources/<str:source_id>/syncs/<str:sync_id>/approve", sites_api.SyncApproval.as_view()),
    path("sources/<str:source_id>/syncs/<str:sync_id>/reject", sites_api.SyncRejection.as_view()),
    path("documents", documents_api.DocumentList.as_view()),
    path("documents/<str:document_id>", documents_api.DocumentDetail.as_view()),
    path("documents/<str:document_id>/reprocess", documents_api.DocumentReprocessing.as_view()),
    path("documents/<str:document_id>/versions", versions_api.VersionList.as_view()),
    path(
        "documents/<str:document_id>/versions/<str:version_id>",
        versions_api.VersionDetail.as_view(),
    ),
    path(
        "documents/<str:document_id>/versions/<str:version_id>/comparison",
        versions_api.VersionComparison.as_view(),
    ),
    path(
        "documents/<str:document_id>/versions/<str:version_id>/restore",
        edits_api.VersionRestoration.as_view(),
    ),
    path("documents/<str:document_id>/edit", edits_api.DocumentEditDetail.as_view()),
    path("documents/<str:document_id>/edit/decision", edits_api.DocumentEditDecision.as_view()),
    path("datasets", datasets_api.DatasetList.as_view()),
    path("datasets/overview", datasets_api.DatasetOverview.as_view()),
    path("datasets/<str:dataset_id>", datasets_api.DatasetDetail.as_view()),
    path("datasets/<str:dataset_id>/statistics", datasets_api.DatasetStatistics.as_view()),
    path("datasets/<str:dataset_id>/bots", datasets_api.DatasetBots.as_view()),
    path("datasets/<str:dataset_id>/bots/<str:bot_profile_id>", datasets_api.DatasetBot.as_view()),
    path("bot-profiles/<str:bot_profile_id>/datasets", datasets_api.BotDatasets.as_view()),
]
