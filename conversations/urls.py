"""Routes under `/v1/` for chats and widgets."""

from __future__ import annotations

from django.urls import path

from conversations import (
    completions_views,
    export_views,
    job_views,
    log_views,
    stats_views,
    views,
    widget,
)

urlpatterns = [
    path("chat", views.chat_collection),
    path(
        "chat/export", export_views.ChatsExport.as_view()
    ),  # before the chats, of which none is called that
    path("chat/completions", completions_views.chat_completions),
    path("models", completions_views.ModelList.as_view()),
    path("models/<str:model>", completions_views.ModelDetail.as_view()),
    path("chat/<str:chat_id>", views.ChatDetail.as_view()),
    path("chat/<str:chat_id>/logs", log_views.ChatTurnList.as_view()),
    path("chat/<str:chat_id>/export", export_views.ChatExport.as_view()),
    path("chat/<str:chat_id>/messages", views.MessageList.as_view()),
    path("chat/<str:chat_id>/messages/<str:message_id>", views.MessageDetail.as_view()),
    path("chat/<str:chat_id>/messages/<str:message_id>/feedback", views.MessageFeedback.as_view()),
    path("chat-logs", log_views.ChatLogList.as_view()),
    path("exports", job_views.ExportList.as_view()),
    path("exports/<str:export_id>", job_views.ExportDetail.as_view()),
    path("exports/<str:export_id>/download", job_views.ExportDownload.as_view()),
    path("exports/<str:export_id>/retry", job_views.ExportRetry.as_view()),
    path("widget/sessions", widget.WidgetSessions.as_view()),
    path("stats/overview", stats_views.Overview.as_view()),
    path("stats/usage", stats_views.Usage.as_view()),
    path("stats/usage/by-bot", stats_views.UsageByBot.as_view()),
    path("stats/usage/by-model", stats_views.UsageByModel.as_view()),
    path("stats/cost-estimate", stats_views.CostEstimate.as_view()),
    path("stats/pricing", stats_views.Pricing.as_view()),
    path("stats/feedback", stats_views.FeedbackStats.as_view()),
    path("stats/feedback/trend", stats_views.FeedbackTrend.as_view()),
    path("stats/latency", stats_views.Latency.as_view()),
    path("stats/refusals", stats_views.Refusals.as_view()),
]
