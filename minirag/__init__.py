"""MiniRAG: a self-hosted, multi-tenant RAG chatbot platform.

Of ours only what needs neither Django nor Celery is imported here: `minirag.lib` must load without (the parsing child
does).
"""

from minirag.lib.starting.extras import hide_extras

__version__ = "2.1.0.dev0"

hide_extras()
