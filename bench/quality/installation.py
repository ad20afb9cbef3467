"""An installation of its own for the time of a measurement: PostgreSQL, Valkey, migrated, in a temporary directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minirag.ai.builtin.minilm import is_built
from tests.product import CHECKOUT
from tests.servers import SECRETS, TestServers

KEPT = CHECKOUT / ".data" / "eval"
"""Where vectors and the last results are kept between runs."""


@contextmanager
def own_installation() -> Iterator[None]:
    """Start servers, set Django up in this process and migrate; everything is removed afterwards."""
    for foreign in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(foreign, None)
    KEPT.mkdir(parents=True, exist_ok=True)
    servers = TestServers()
    try:
        servers.start()
        os.environ.update(
            SECRETS,
            DEBUG="False",
            LOG_LEVEL="ERROR",
            LITELLM_LOCAL_MODEL_COST_MAP="True",
            DATA_DIR=str(servers.directory / "data"),
            OUTBOUND_ALLOWED_HOSTS="127.0.0.1",
            DEFAULT_LLM_MODEL="minirag/extractive",
            DJANGO_SETTINGS_MODULE="minirag.settings",
        )
        os.environ.setdefault("DEFAULT_EMBEDDING_MODEL", "minirag/minilm")
        os.environ.setdefault("EMBED_THREADS", "1")
        os.environ.setdefault("EMBEDDER_DIR", str(CHECKOUT / ".data" / "models" / "minilm"))
        _set_up(Path(os.environ["EMBEDDER_DIR"]))
        yield
    finally:
        servers.stop()


def _set_up(embedder: Path) -> None:
    import django
    from django.core.management import call_command

    if not is_built(embedder):
        raise SystemExit(f"There is no embedder in {embedder}: `make eval` builds it.")
    django.setup()
    call_command("migrate", verbosity=0)
