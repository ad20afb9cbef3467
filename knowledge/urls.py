"""Routes of `/v1` that belong to this app."""

from __future__ import annotations

from django.urls import path

from knowledge import views

urlpatterns = [
    path("sources", views.SourceList.as_view()),
    path("sources/batch", views.SourceBatch.as_view()),
    path("sources/upload", views.SourceUpload.as_view()),
    path("sources/<str:source_id>", views.SourceDetail.as_view()),
    path("sources/<str:source_id>/children", views.SourceChildren.as_view()),
    path("sources/<str:source_id>/ingest", views.SourceIngestion.as_view()),
    path("sources/<str:source_id>/ingest-children", views.ChildrenIngestion.as_view()),
]
