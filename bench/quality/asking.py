"""All that a measurement asks of the product: teach a bot, ask it, search for it. One way in for every section."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bots.models import BotProfile, Outcome
from bots.profiles import create_bot
from conversations.models import Message
from conversations.turns.state import Asker, History
from conversations.turns.taking import Done, Failed, Started, take_turn
from knowledge.formats.registry import BY_SUFFIX
from knowledge.indexing.ingestion import ingest
from knowledge.indexing.upkeep.reembedding import find_outdated_datasets, reembed_claimed
from knowledge.measuring import name_documents, teach_whole
from knowledge.models import ANYONE, Chunk, Reembedding, Source, SourceStatus, SourceType
from knowledge.retrieval.calibrating import calibrate_outdated
from knowledge.retrieval.choosing import choose_embedders
from knowledge.retrieval.evaluation import JudgedSet
from knowledge.retrieval.retrieving import Retrieval, retrieve
from knowledge.sources.changing import create_source, upload_source
from knowledge.sources.homes import find_home
from tenants.context import run_sync
from tenants.models import Tenant
from tenants.provisioning import provision_tenant

DEPTH = 10


@dataclass(frozen=True)
class Reply:
    """What a visitor got. `cited` are ids of sources, `found` those of chunks, best first."""

    text: str
    outcome: str
    cited: tuple[uuid.UUID, ...] = ()
    found: tuple[uuid.UUID, ...] = ()
    milliseconds: float = 0.0
    trace: dict[str, Any] = field(default_factory=dict)
    reason: str = ""  # of a refusal

    @property
    def is_declined(self) -> bool:
        return self.outcome == Outcome.REFUSED

    @property
    def is_answered(self) -> bool:
        return self.outcome == Outcome.ANSWERED

    @property
    def sureness(self) -> str:
        """Confidence and floor, as far as the trace tells."""
        found = self.trace.get("retrieval") or {}
        return f"{found.get('confidence', '-')} of {found.get('threshold', '-')}"


def make_tenant(name: str) -> Tenant:
    return provision_tenant(
        name=name, slug=f"eval-{name.replace('_', '-')}", owner_email=f"{name}@example.com",
        owner_password=secrets.token_urlsafe(16),
    ).tenant  # fmt: skip


def make_bot(name: str, **fields: Any) -> BotProfile:
    """A bot of the current tenant with the product's own defaults, but for `fields`."""
    return create_bot({"name": name, **fields})


@contextmanager
def bot_set(bot: BotProfile, **fields: Any) -> Iterator[None]:
    """Set the bot otherwise for the time of the body."""
    usual = {name: getattr(bot, name) for name in fields}
    BotProfile.objects.filter(pk=bot.pk).update(**fields)
    try:
        yield
    finally:
        BotProfile.objects.filter(pk=bot.pk).update(**usual)


def teach_pages(bot: BotProfile, pages: Sequence[Path]) -> dict[uuid.UUID, str]:
    """Ingest files as their owner would: uploads, and web pages from their address. Returns source id to page name."""
    names = {}
    with serve_folder(pages[0].parent) as base_url:
        for path in pages:
            source = _make_source(bot, path, base_url)
            ingest(source.pk)
            source.refresh_from_db()
            if source.status != SourceStatus.READY:
                raise RuntimeError(f"{path}: {source.error_message}")
            names[source.pk] = path.stem
    fit_bot(bot)
    return names


def fit_bot(bot: BotProfile) -> None:
    """What clock and worker do soon after a first ingestion: choose the embedder, embed with it, make floors."""
    choose_embedders()
    bot.refresh_from_db()
    outdated: Any = find_outdated_datasets()
    for dataset in outdated:
        ordered = Reembedding.objects.order(dataset.pk, dataset.wanted)
        while ordered and (held := Reembedding.objects.claim(ordered)) and reembed_claimed(held):
            pass
    if find_outdated_datasets().exists():
        raise RuntimeError(f"{bot} was not embedded with {bot.effective_embedding_model}")
    calibrate_outdated()


def _make_source(bot: BotProfile, path: Path, base_url: str) -> Source:
    if path.suffix == ".html":
        fields = {
            "bot_profile_id": bot.pk, "name": path.stem, "description": "", "source_type": SourceType.URL,
            "config": {"url": f"{base_url}/{path.name}"},
        }  # fmt: skip
        return create_source(fields)
    return upload_source(
        find_home(bot.pk, None), None, name=path.stem, description="", file_name=path.name,
        kind=BY_SUFFIX[path.suffix].kind, data=path.read_bytes(),
    )  # fmt: skip


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def teach_documents(bot: BotProfile, judged: JudgedSet) -> dict[uuid.UUID, str]:
    """Let each document of a judged set be one chunk, as such sets want it. Returns chunk id to the document's key."""
    teach_whole(bot, judged)
    keys = name_documents(bot, judged)
    calibrate_outdated()
    rows = Chunk.objects.filter(source__bot_profile=bot).values_list("pk", "document_id")
    return {chunk_id: keys[document_id] for chunk_id, document_id in rows}


async def ask(
    bot: BotProfile, question: str, *, before: Sequence[str] = (), history: History | None = None
) -> Reply:
    """Take a whole turn. `before` is asked first, in the same chat; `history` is told instead, as clients do."""
    chat_id: uuid.UUID | None = None
    for earlier in before:
        chat_id = (await _take(bot, chat_id, earlier, None))[0]
    return (await _take(bot, chat_id, question, history))[1]


async def _take(
    bot: BotProfile, chat_id: uuid.UUID | None, question: str, history: History | None
) -> tuple[uuid.UUID, Reply]:
    started, turn, end = time.perf_counter(), None, None
    async for event in take_turn(
        bot.pk, chat_id, question, asker=Asker(), is_stream=False, history=history
    ):
        turn = event if isinstance(event, Started) else turn
        if isinstance(event, Failed):
            raise event.error
        end = event if isinstance(event, Done) else end
    milliseconds = (time.perf_counter() - started) * 1000
    assert turn is not None and end is not None
    trace = await run_sync(_read_trace, turn.turn_id)
    found = (trace.get("retrieval") or {}).get("passages", ())
    reply = Reply(
        text=end.message.content, outcome=end.message.outcome,
        cited=tuple(passage.source_id for _, passage in end.citations),
        found=tuple(uuid.UUID(each["chunk_id"]) for each in found), milliseconds=milliseconds, trace=trace,
        reason=end.message.refusal_reason,
    )  # fmt: skip
    return turn.chat_id, reply


def _read_trace(turn_id: uuid.UUID) -> dict[str, Any]:
    return Message.objects.values_list("trace", flat=True).get(pk=turn_id) or {}


async def search(bot: BotProfile, text: str, *, limit: int = DEPTH) -> Retrieval:
    """The product's own search for a text, with no conversation around it."""
    return await retrieve(bot, text, audience=ANYONE, limit=limit, bases=())
