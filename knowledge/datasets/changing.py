"""Make, change and delete shared datasets, and link bots with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from bots.models import BotProfile
from bots.profiles import find_bot
from bots.versions.keeping import keeping
from knowledge.indexing.lexicon import lock_knowledge
from knowledge.models import BotDataset, Dataset, Source, SourceStatus, SourceType
from knowledge.sources.changing import (
    mark_deleted,
)
from knowledge.sources.storage import move_bytes
from knowledge.tasks import queue_ingestion
from minirag.ai.builtin.local import pin, unpin
from minirag.lib.errors import BadInput, Conflict, NotFound
from tenants.audit import compare, record

_NAME_TAKEN = gettext_lazy("There is a shared dataset of this name already.")


def listed_datasets() -> QuerySet[Dataset]:
    """Return the datasets that are not deleted, private ones too, with `source_count` and `bot_count`."""
    sources = (
        Source.objects.filter(dataset=OuterRef("pk"), deleted_at__isnull=True)
        .order_by()
        .values("dataset")
    )
    links = BotDataset.objects.filter(dataset=OuterRef("pk")).order_by().values("dataset")
    return Dataset.objects.filter(deleted_at__isnull=True).annotate(
        source_count=Coalesce(Subquery(sources.annotate(count=Count("pk")).values("count")), 0),
        bot_count=Coalesce(Subquery(links.annotate(count=Count("pk")).values("count")), 0),
    )


def filter_datasets(
    *, text: str = "", tag: str = "", is_active: bool | None = None, with_private: bool = False
) -> QuerySet[Dataset]:
    """Return `listed_datasets` whose name or description has `text`, and that have the tag."""
    found = listed_datasets()
    if not with_private:
        found = found.filter(bot_profile__isnull=True)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(description__icontains=text))
    if tag:
        found = found.filter(tags__contains=[tag])
    return found if is_active is None else found.filter(is_active=is_active)


def find_dataset(dataset_id: UUID) -> Dataset:
    """Return a dataset that is not deleted, with its counts. Raises NotFound."""
    dataset = listed_datasets().filter(pk=dataset_id).order_by().first()
    if dataset is None:
        raise NotFound(gettext("Dataset not found"))
    return dataset


def create_dataset(fields: dict[str, Any]) -> Dataset:
    """Make a shared dataset. Raises Conflict where the name, whatever its case, is taken."""
    model = pin(fields.get("embedding_model") or settings.DEFAULT_EMBEDDING_MODEL)
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(**{**fields, "embedding_model": model})
            record("dataset.created", of=dataset)
    except IntegrityError:
        raise Conflict(str(_NAME_TAKEN), code="dataset_name_taken") from None
    return find_dataset(dataset.pk)


def update_dataset(dataset_id: UUID, changes: dict[str, Any]) -> Dataset:
    """Change the given fields of a shared dataset. Raises NotFound, Conflict.

    The embedding model can be another one only while nothing was embedded and no bot with a different one is linked.
    """
    try:
        with transaction.atomic():
            dataset = _lock_shared(dataset_id)
            model = pin(changes.get("embedding_model") or dataset.embedding_model)
            if model != dataset.embedding_model:
                _check_model_is_free(dataset, model)
                changes = {**changes, "embedding_model": model, "embedding_dimensions": None}
            compared = compare(dataset, changes)
            for name, value in changes.items():
                setattr(dataset, name, value)
            dataset.save(update_fields=[*changes, "updated_at"])
            record("dataset.changed", of=dataset, changes=compared)
    except IntegrityError:
        raise Conflict(str(_NAME_TAKEN), code="dataset_name_taken") from None
    return find_dataset(dataset_id)


def delete_dataset(dataset_id: UUID, *, force: bool = False) -> None:
    """Delete a shared dataset; no bot answers from it any more. Twice is as good as once.

    With `force` its sources are deleted and its bots' links removed as well; without, they are a Conflict. Raises
    NotFound.
    """
    with ExitStack() as stack:
        stack.enter_context(transaction.atomic())
        if force:
            _hold(Source.objects.filter(dataset=dataset_id))
            linked = BotProfile.objects.filter(dataset_links__dataset=dataset_id).order_by("pk")
            for bot in linked:
                stack.enter_context(keeping(bot))
        dataset = Dataset.objects.select_for_update().filter(pk=dataset_id).first()
        if dataset is None:
            raise NotFound(gettext("Dataset not found"))
        if dataset.deleted_at is not None:
            return
        _require_shared(dataset)
        sources = Source.objects.filter(dataset=dataset, deleted_at__isnull=True)
        links = BotDataset.objects.filter(dataset=dataset)
        if not force and (sources.exists() or links.exists()):
            counts = gettext("%(sources)d sources and %(bots)d bots") % {
                "sources": sources.count(), "bots": links.count(),
            }  # fmt: skip
            raise Conflict(
                gettext("The dataset is in use: %(counts)s. Use force=true.") % {"counts": counts},
                code="dataset_in_use",
            )
        deleted = list(
            sources.only("id", "bot_profile_id", "stored_bytes").order_by("id").select_for_update()
        )
        mark_deleted(deleted)
        unlinked, _ = links.delete()
        detail = {"sources": len(deleted), "bots": unlinked}
        record("dataset.deleted", of=dataset, detail=detail)
        dataset.deleted_at = timezone.now()
        dataset.save(update_fields=["deleted_at", "updated_at"])


def links_of_dataset(dataset_id: UUID) -> QuerySet[BotDataset]:
    """Return a dataset's links with their bots, first priorities first. Raises NotFound."""
    find_dataset(dataset_id)
    return BotDataset.objects.select_related("bot_profile", "dataset").filter(dataset=dataset_id)


def links_of_bot(bot_profile_id: UUID) -> QuerySet[BotDataset]:
    """Return a bot's links with their datasets in the order of their priority. Raises NotFound."""
    find_bot(bot_profile_id)
    return BotDataset.objects.select_related("bot_profile", "dataset").filter(
        bot_profile=bot_profile_id
    )


def link_bot(
    dataset_id: UUID, bot_profile_id: UUID, *, priority: int = 1, is_active: bool = True
) -> BotDataset:
    """Let a bot answer from a shared dataset from now on.

    Raises NotFound for the dataset, BadInput for the bot, Conflict if they are linked already or have different
    embedding models.
    """
    bot = BotProfile.objects.filter(pk=bot_profile_id).first()
    if bot is None:
        find_dataset(dataset_id)
        raise BadInput(
            gettext("Bot profile not found or belongs to a different tenant"), code="bot_not_found"
        )
    with _relinking(bot, [dataset_id]):
        dataset = _lock_shared(dataset_id)
        _check_models_agree(bot, dataset)
        if BotDataset.objects.filter(bot_profile=bot, dataset=dataset).exists():
            raise Conflict(
                gettext("The bot is linked with this dataset already"),
                code="dataset_already_linked",
            )
        link = BotDataset.objects.create(
            bot_profile=bot, dataset=dataset, priority=priority, is_active=is_active
        )
        _note_link("bot_linked", dataset, bot.pk, priority=priority, is_active=is_active)
        _ingest_what_waited(dataset)
    return link


def change_link(dataset_id: UUID, bot_profile_id: UUID, changes: dict[str, Any]) -> BotDataset:
    """Change a link's priority or whether it is active. Raises NotFound."""
    with keeping(find_bot(bot_profile_id)):
        link = (
            links_of_dataset(dataset_id)
            .select_for_update(of=("self",))
            .filter(bot_profile=bot_profile_id)
            .first()
        )
        if link is None:
            raise NotFound(gettext("The bot is not linked with this dataset"))
        compared = compare(link, changes)
        for name, value in changes.items():
            setattr(link, name, value)
        link.save(update_fields=list(changes))
        _note_link("link_changed", link.dataset, bot_profile_id, changes=compared)
    return link


def unlink_bot(dataset_id: UUID, bot_profile_id: UUID) -> None:
    """Take a dataset from a bot; its next answer does without. Twice is as good as once. Raises NotFound."""
    with _relinking(find_bot(bot_profile_id), [dataset_id]):
        dataset = _lock_shared(dataset_id)
        if _unlink([dataset.pk], bot_profile_id):
            _note_link("bot_unlinked", dataset, bot_profile_id)


def replace_links(bot_profile_id: UUID, wanted: Sequence[dict[str, Any]]) -> list[BotDataset]:
    """Make a bot's links exactly these (`dataset_id`, `priority` or None, `is_active`), all or none.

    Without a priority the place in the list counts, from 1. Raises NotFound, BadInput, Conflict.
    """
    ids = [each["dataset_id"] for each in wanted]
    if len(set(ids)) < len(ids):
        raise BadInput(gettext("A dataset is named twice"), code="dataset_named_twice")
    bot = find_bot(bot_profile_id)
    linked = BotDataset.objects.filter(bot_profile=bot)
    with _relinking(bot, ids, linked):
        found = {
            row.pk: row
            for row in Dataset.objects.filter(pk__in=ids).order_by("pk").select_for_update()
        }
        old = {
            link.dataset_id: link
            for link in BotDataset.objects.select_for_update().filter(bot_profile=bot)
        }
        _unlink([pk for pk in old if pk not in ids], bot.pk)
        for place, each in enumerate(wanted, start=1):
            dataset = found.get(each["dataset_id"])
            if dataset is None or dataset.deleted_at is not None:
                raise NotFound(gettext("Dataset not found"))
            _require_shared(dataset)
            link = old.get(dataset.pk)
            if link is None:
                _check_models_agree(bot, dataset)
                link = BotDataset(bot_profile=bot, dataset=dataset)
            link.priority, link.is_active = each["priority"] or place, each["is_active"]
            link.save()
            _ingest_what_waited(dataset)
        record("bot.datasets_set", of=bot, detail={"old": list(old), "new": ids})
    return list(links_of_bot(bot.pk))


@contextmanager
def _relinking(
    bot: BotProfile, dataset_ids: Collection[UUID], links: QuerySet[BotDataset] | None = None
) -> Iterator[None]:
    """Keep what the body makes of the bot's links with these datasets, and of `links` as they are when it begins."""
    concerned = _waiting_for_a_bot() | Source.objects.filter(bot_profile=bot)
    named = Q(dataset__in=dataset_ids)
    if links is not None:
        named |= Q(dataset__in=links.values("dataset"))
    with transaction.atomic():
        _hold(concerned.filter(named))
        with keeping(bot):
            yield


def _hold(sources: QuerySet[Source]) -> None:
    """Lock sources before their bots, in whose row the bytes are counted of each source that somebody changes."""
    lock_knowledge()  # before all rows, as a swap does
    list(sources.order_by("pk").select_for_update().values_list("pk"))


def _note_link(what: str, dataset: Dataset, bot_profile_id: UUID, **detail: Any) -> None:
    record(f"dataset.{what}", of=dataset, detail={"bot_profile_id": bot_profile_id, **detail})


def _lock_shared(dataset_id: UUID) -> Dataset:
    dataset = (
        Dataset.objects.select_for_update().filter(pk=dataset_id, deleted_at__isnull=True).first()
    )
    if dataset is None:
        raise NotFound(gettext("Dataset not found"))
    _require_shared(dataset)
    return dataset


def _require_shared(dataset: Dataset) -> None:
    if not dataset.is_shared:
        raise Conflict(
            gettext("This dataset is a bot's own: it comes and goes with the bot"),
            code="dataset_private",
        )


def _check_models_agree(bot: BotProfile, dataset: Dataset) -> None:
    of_bot, of_dataset = (
        unpin(name) for name in (bot.effective_embedding_model, dataset.embedding_model)
    )
    if of_bot != of_dataset:
        told = gettext("The bot embeds with %(bot)s, the dataset with %(dataset)s.")
        raise Conflict(
            told % {"bot": of_bot, "dataset": of_dataset}, code="embedding_model_differs"
        )


def _check_model_is_free(dataset: Dataset, model: str) -> None:
    known = Source.objects.filter(dataset=dataset, chunk_count__gt=0).exclude(
        source_type=SourceType.NYXCORE
    )
    if known.exists():
        raise Conflict(
            gettext("Something was embedded already; make another dataset"),
            code="embedding_model_fixed",
        )
    for link in BotDataset.objects.select_related("bot_profile").filter(dataset=dataset):
        if unpin(link.bot_profile.effective_embedding_model) != unpin(model):
            raise Conflict(
                gettext("%(bot_profile)s embeds with another model")
                % {"bot_profile": link.bot_profile},
                code="embedding_model_differs",
            )


def _unlink(dataset_ids: Sequence[UUID], bot_profile_id: UUID) -> bool:
    """Remove links; returns whether there was one."""
    links = BotDataset.objects.filter(dataset__in=dataset_ids, bot_profile=bot_profile_id)
    removed, _ = links.delete()
    # What it paid for stays and belongs to no bot from now on.
    left = Source.objects.filter(dataset__in=dataset_ids, bot_profile=bot_profile_id)
    alive = left.filter(deleted_at__isnull=True).aggregate(size=Sum("stored_bytes"))
    move_bytes(bot_profile_id, None, alive["size"] or 0)
    left.update(bot_profile=None)
    return bool(removed)


def _ingest_what_waited(dataset: Dataset) -> None:
    for source in _waiting_for_a_bot().filter(dataset=dataset).only("id"):
        queue_ingestion(source)


def _waiting_for_a_bot() -> QuerySet[Source]:
    """The sources that could not be embedded because no bot had a key for it."""
    return Source.objects.filter(status=SourceStatus.ERROR, error_code="no_bot_linked")
