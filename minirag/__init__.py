"""MiniRAG: a self-hosted, multi-tenant RAG chatbot platform."""

from minirag.celery import app as celery_app

__all__ = ["celery_app"]
