"""Routes under `/v1/` for chats and widgets."""

from __future__ import annotations

from django.urls import path

from conversations.annotating import api as annotating_api
from conversations.canned import api as canned_api
from conversations.erasing import api as erasing_api
from conversations.evaluating import api as evaluating_api
from conversations.explaining import api as explaining_api
from conversations.exports import api as exports_api
from conversations.exports import chat_api
from conversations.fetching import api as fetching_api
from conversations.following import api as following_api
from conversations.gaps import api as gaps_api
from conversations.gates import api as gates_api
from conversations.golden import api as golden_api
from conversations.handoffs import api as handoffs_api
from conversations.logs import api as logs_api
from conversations.mcp import api as mcp_api
from conversations.openai import api as openai_api
from conversations.openai.embeddings import api as embeddings_api
from conversations.openai.responses import api as responses_api
from conversations.retention import api as retention_api
from conversations.statistics import api as statistics_api
from conversations.turns import api as turns_api
from conversations.widget import api as widget_api

urlpatterns = [
    path("chat", turns_api.chat_collection),
    path(
        "chat/export", chat_api.ChatsExport.as_view()
    ),  # before the chats, since no chat has that id
    path("chat/completions", openai_api.chat_completions),
    path("mcp", mcp_api.mcp_messages),
    path("embeddings", embeddings_api.embeddings),
    path("responses", responses_api.responses),
    path("models", openai_api.ModelList.as_view()),
    path("models/<str:model>", openai_api.ModelDetail.as_view()),
    path("chat/<str:chat_id>", turns_api.ChatDetail.as_view()),
    path("chat/<str:chat_id>/logs", logs_api.ChatTurnList.as_view()),
    path("chat/<str:chat_id>/export", chat_api.ChatExport.as_view()),
    path("chat/<str:chat_id>/messages", turns_api.MessageList.as_view()),
    path("chat/<str:chat_id>/messages/<str:message_id>", turns_api.MessageDetail.as_view()),
    path(
        "chat/<str:chat_id>/messages/<str:message_id>/feedback", turns_api.MessageFeedback.as_view()
    ),
    path("chat/<str:chat_id>/notes", annotating_api.NoteList.as_view()),
    path("chat/<str:chat_id>/notes/<str:note_id>", annotating_api.NoteDetail.as_view()),
    path("chat/<str:chat_id>/tags", annotating_api.TagList.as_view()),
    path("chat-tags", annotating_api.TagUses.as_view()),
    path("bot-profiles/<str:bot_profile_id>/explain", explaining_api.explain_answer),
    path("chat/<str:chat_id>/messages/<str:message_id>/trace", logs_api.MessageTrace.as_view()),
    path(
        "chat/<str:chat_id>/messages/<str:message_id>/golden-question",
        golden_api.GoldenFromChat.as_view(),
    ),
    path("bot-profiles/<str:bot_profile_id>/golden-questions", golden_api.GoldenList.as_view()),
    path(
        "bot-profiles/<str:bot_profile_id>/golden-questions/import",
        golden_api.GoldenImport.as_view(),
    ),
    path("golden-questions/<str:golden_question_id>", golden_api.GoldenDetail.as_view()),
    path("bot-profiles/<str:bot_profile_id>/evaluation-runs", evaluating_api.RunList.as_view()),
    path("bot-profiles/<str:bot_profile_id>/gate", gates_api.GateDetail.as_view()),
    path("bot-profiles/<str:bot_profile_id>/draft", gates_api.DraftDetail.as_view()),
    path("bot-profiles/<str:bot_profile_id>/draft/runs", gates_api.DraftRuns.as_view()),
    path("bot-profiles/<str:bot_profile_id>/draft/publish", gates_api.DraftPublish.as_view()),
    path("evaluation-runs/<str:evaluation_run_id>", evaluating_api.RunDetail.as_view()),
    path("evaluation-runs/<str:evaluation_run_id>/results", evaluating_api.RunResults.as_view()),
    path("evaluation-runs/<str:evaluation_run_id>/cancel", evaluating_api.RunCancel.as_view()),
    path("evaluation-runs/<str:evaluation_run_id>/retry", evaluating_api.RunRetry.as_view()),
    path(
        "evaluation-runs/<str:evaluation_run_id>/comparison", evaluating_api.RunComparison.as_view()
    ),
    path("turns/<str:turn_id>/events", following_api.turn_events),
    path("turns/<str:turn_id>/stop", following_api.turn_stop),
    path("chat-logs", logs_api.ChatLogList.as_view()),
    path("gaps", gaps_api.GapList.as_view()),
    path("gaps/<str:gap_id>", gaps_api.GapDetail.as_view()),
    path("gaps/<str:gap_id>/draft", gaps_api.GapDraft.as_view()),
    path("gaps/<str:gap_id>/answer", gaps_api.GapAnswering.as_view()),
    path("gaps/<str:gap_id>/dismiss", gaps_api.GapDismissal.as_view()),
    path("gaps/<str:gap_id>/reopen", gaps_api.GapReopening.as_view()),
    path("tenants/me/retention", retention_api.RetentionDetail.as_view()),
    path("tenants/me/retention/preview", retention_api.RetentionPreview.as_view()),
    path("visitors/forget", erasing_api.VisitorForgetting.as_view()),
    path("canned-answers", canned_api.CannedList.as_view()),
    path("canned-answers/<str:canned_answer_id>", canned_api.CannedDetail.as_view()),
    path("handoffs", handoffs_api.HandoffList.as_view()),
    path("handoffs/<str:handoff_id>", handoffs_api.HandoffDetail.as_view()),
    path("handoffs/<str:handoff_id>/join", handoffs_api.HandoffJoining.as_view()),
    path("handoffs/<str:handoff_id>/messages", handoffs_api.HandoffMessages.as_view()),
    path("handoffs/<str:handoff_id>/hand-back", handoffs_api.HandoffHandingBack.as_view()),
    path("handoffs/<str:handoff_id>/release", handoffs_api.HandoffRelease.as_view()),
    path("handoffs/<str:handoff_id>/close", handoffs_api.HandoffClosing.as_view()),
    path(
        "bot-profiles/<str:bot_profile_id>/handoff-rules",
        handoffs_api.HandoffRulesDetail.as_view(),
    ),
    path("exports", exports_api.ExportList.as_view()),
    path("exports/<str:export_id>", exports_api.ExportDetail.as_view()),
    path("exports/<str:export_id>/download", exports_api.ExportDownload.as_view()),
    path("exports/<str:export_id>/retry", exports_api.ExportRetry.as_view()),
    path("widget/bots/<str:bot_profile_id>/appearance", widget_api.WidgetAppearance.as_view()),
    path("widget/sessions", widget_api.WidgetSessions.as_view()),
    path("widget/frames", fetching_api.widget_frames),
    path("stats/overview", statistics_api.Overview.as_view()),
    path("stats/usage", statistics_api.Usage.as_view()),
    path("stats/usage/by-bot", statistics_api.UsageByBot.as_view()),
    path("stats/usage/by-model", statistics_api.UsageByModel.as_view()),
    path("stats/cost-estimate", statistics_api.CostEstimate.as_view()),
    path("stats/pricing", statistics_api.Pricing.as_view()),
    path("stats/feedback", statistics_api.FeedbackStats.as_view()),
    path("stats/feedback/trend", statistics_api.FeedbackTrend.as_view()),
    path("stats/latency", statistics_api.Latency.as_view()),
    path("stats/refusals", statistics_api.Refusals.as_view()),
]
