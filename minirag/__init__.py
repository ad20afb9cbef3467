"""MiniRAG: a self-hosted, multi-tenant RAG chatbot platform.

Nothing is imported here: `minirag.lib` must load without Django and Celery (the parsing child does).
"""
