"""What a site or a connector's files would give, before it is a source: `preview_source` keeps nothing of them.

It goes as a look does and judges as one does, in memory, and ends after twenty pages or fifteen seconds with what was
seen by then. It waits for no other who reads the same host, so that nobody learns from it what other tenants read; a
crawl delay it keeps.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext

from bots.models import UsageKind
from bots.usage.pricing import load_overrides, price_call
from knowledge.formats.cleaning import Rules
from knowledge.models import Source, SourceType
from knowledge.previewing.files import look_at_files
from knowledge.previewing.found import SECONDS, Clock, Preview
from knowledge.previewing.site import look_at_site
from knowledge.sites.pages.reading import PageReader
from knowledge.sources.configs import prepare_config
from knowledge.sources.homes import Home
from knowledge.sources.planned import require_type_in_plan
from minirag.ai.pricing import Prices, cost_of
from minirag.lib.database import release_connections
from minirag.lib.errors import Conflict
from minirag.lib.jobs.leases import Lease
from tenants.context import current_schema


def preview_source(
    source_type: str, config: dict[str, Any], home: Home, *, stored: Source | None = None
) -> Preview:
    """Look at the first pages or files of what is no source yet, or of a `stored` one as it would be with this config.

    Raises NotInPlan, BadInput for the config, Conflict for a second one.
    """
    if stored is None:
        require_type_in_plan(source_type)
    asked = Source(pk=stored.pk if stored else uuid4(), source_type=source_type)
    asked.config = prepare_config(
        source_type, config, source_id=asked.pk, stored=stored.config if stored else None
    )
    found, prices = Preview(home.dataset.embedding_model), load_overrides()
    lease = Lease(f"preview:{current_schema()}")
    if not lease.take(4 * SECONDS):
        raise Conflict(
            gettext("A source is being previewed already. Try again when that is done."),
            code="preview_running",
        )
    release_connections()  # none is held while a foreign server takes its time
    clock = Clock()
    look = look_at_site if source_type == SourceType.SITE else look_at_files
    try:
        reading = PageReader(rules=Rules.read(asked.config), ends_at=clock.ends_at)
        with reading as reader:
            look(asked, reader, found, clock)
    finally:
        lease.give_back()
    found.estimated_cost_usd = _price(found.embedding_model, found.estimated_tokens, prices)
    return found


def _price(model: str, tokens: int, overrides: dict[str, Prices]) -> Decimal | int:
    return price_call(
        UsageKind.EMBEDDING, model, overrides, prompt_tokens=tokens, completion_tokens=0,
        listed=cost_of(model, tokens),
    )  # fmt: skip
