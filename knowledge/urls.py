"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from knowledge import dataset_views, document_views, file_views, upsert_views, views

urlpatterns = [
    path("sources", views.SourceList.as_view()),
    path("sources/batch", views.SourceBatch.as_view()),
    path("sources/upload", views.SourceUpload.as_view()),
    path("sources/formats", file_views.FileFormats.as_view()),
    path("sources/validate-file", file_views.FileValidation.as_view()),
    path("sources/reindex", document_views.Reindexing.as_view()),
    path("sources/by-external-id/<str:external_id>", upsert_views.SourceByExternalId.as_view()),
    path("sources/<str:source_id>", views.SourceDetail.as_view()),
    path("sources/<str:source_id>/children", views.SourceChildren.as_view()),
    path("sources/<str:source_id>/ingest", views.SourceIngestion.as_view()),
    path("sources/<str:source_id>/ingest-children", views.ChildrenIngestion.as_view()),
    path("documents", document_views.DocumentList.as_view()),
    path("documents/<str:document_id>", document_views.DocumentDetail.as_view()),
    path("documents/<str:document_id>/reprocess", document_views.DocumentReprocessing.as_view()),
    path("datasets", dataset_views.DatasetList.as_view()),
    path("datasets/overview", dataset_views.DatasetOverview.as_view()),
    path("datasets/<str:dataset_id>", dataset_views.DatasetDetail.as_view()),
    path("datasets/<str:dataset_id>/statistics", dataset_views.DatasetStatistics.as_view()),
    path("datasets/<str:dataset_id>/bots", dataset_views.DatasetBots.as_view()),
    path("datasets/<str:dataset_id>/bots/<str:bot_profile_id>", dataset_views.DatasetBot.as_view()),
    path("bot-profiles/<str:bot_profile_id>/datasets", dataset_views.BotDatasets.as_view()),
]
