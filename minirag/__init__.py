"""MiniRAG: a self-hosted, multi-tenant RAG chatbot platform.

Nothing is imported here: `minirag.lib` must load without Django and Celery (the parsing child does).
"""

__version__ = "2.0.0.dev0"
