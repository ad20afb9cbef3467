"""Which shared datasets a bot answers from, in its versions. What is in them is knowledge, and no part of one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.utils.translation import gettext, gettext_lazy

from bots.models import BotProfile
from bots.versions.parts import Part
from knowledge.datasets.changing import replace_links
from knowledge.models import BotDataset, Dataset
from minirag.ai.builtin.local import unpin


def _read(bot: BotProfile) -> list[dict[str, Any]]:
    links = BotDataset.objects.filter(bot_profile_id=bot.pk, dataset__deleted_at__isnull=True)
    rows = links.order_by("priority", "created_at", "pk").values_list(
        "dataset_id", "dataset__name", "priority", "is_active"
    )
    names = ("id", "name", "priority", "is_active")
    return [dict(zip(names, (str(pk), *facts), strict=True)) for pk, *facts in rows]


def _tell(links: list[dict[str, Any]] | None) -> Iterator[str]:
    for each in links or ():
        told = gettext("%(name)s, priority %(priority)d") % each
        yield told if each["is_active"] else f"{told} ({gettext('inactive')})"


def _compared(links: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Another name of a dataset is no change of the bot."""
    return [(each["id"], each["priority"], each["is_active"]) for each in links]


def _plan(bot: BotProfile, links: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    shared = Dataset.objects.shared().in_bulk([each["id"] for each in links])
    there = {str(pk): dataset for pk, dataset in shared.items()}
    linked = {
        each["id"] for each in _read(bot)
    }  # which stays, whatever either is embedded with by now
    usable, lost = [], []
    for each in links:
        dataset = there.get(each["id"])
        if dataset is None:
            lost.append(gettext("The dataset “%(name)s” is deleted.") % each)
        elif each["id"] not in linked and not _agree(bot, dataset):
            lost.append(gettext("The dataset “%(name)s” is embedded with another model.") % each)
        else:
            usable.append({**each, "name": dataset.name})
    return usable, lost


def _agree(bot: BotProfile, dataset: Dataset) -> bool:
    return unpin(dataset.embedding_model) == unpin(bot.effective_embedding_model)


def _bring_back(bot: BotProfile, links: list[dict[str, Any]]) -> None:
    usable, _lost = _plan(bot, links)
    if _compared(usable) == _compared(_read(bot)):
        return
    names = ("dataset_id", "priority", "is_active")
    wanted = [(UUID(pk), *facts) for pk, *facts in _compared(usable)]
    replace_links(bot.pk, [dict(zip(names, each, strict=True)) for each in wanted])


PART: Final = Part(
    "datasets", gettext_lazy("Shared datasets"), read=_read, tell=_tell, compared=_compared, plan=_plan,
    bring_back=_bring_back,
)  # fmt: skip
