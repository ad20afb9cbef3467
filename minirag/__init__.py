"""MiniRAG: a self-hosted, multi-tenant RAG chatbot platform.

Nothing of ours is imported here: `minirag.lib` must load without Django and Celery (the parsing child does).
"""

import sys

__version__ = "2.1.0.dev0"

# httpx would bring its command line, and with it all of rich and pygments, which LiteLLM has installed: 70 ms of every
# start, a quarter of what a child that reads pages takes for its own. Without it httpx leaves its command line out.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
