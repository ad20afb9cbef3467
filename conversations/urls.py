"""Routes under `/v1/` for chats and widgets."""

from __future__ import annotations

from django.urls import path

from conversations import views, widget

urlpatterns = [
    path("chat", views.chat_collection),
    path("chat/<str:chat_id>", views.ChatDetail.as_view()),
    path("chat/<str:chat_id>/messages", views.MessageList.as_view()),
    path("chat/<str:chat_id>/messages/<str:message_id>", views.MessageDetail.as_view()),
    path("chat/<str:chat_id>/messages/<str:message_id>/feedback", views.MessageFeedback.as_view()),
    path("widget/sessions", widget.WidgetSessions.as_view()),
]
