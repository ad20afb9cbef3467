"""`/v1/datasets`, and the datasets that a bot is linked with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from knowledge.datasets.changing import (
    change_link,
    create_dataset,
    delete_dataset,
    filter_datasets,
    find_dataset,
    link_bot,
    links_of_bot,
    links_of_dataset,
    replace_links,
    unlink_bot,
    update_dataset,
)
from knowledge.datasets.figures import DatasetFigures, measure_dataset
from knowledge.datasets.schemas import (
    BotLinkSchema,
    DatasetChanges,
    DatasetFiguresSchema,
    DatasetPageSchema,
    DatasetQuery,
    DatasetSchema,
    DeletionQuery,
    LinkChanges,
    NewDataset,
    NewLink,
    WantedLinks,
)
from knowledge.models import BotDataset, Dataset
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import Page, paginate
from minirag.lib.http_in.rest import ApiView
from tenants.calls.permissions import HasTenant, permit

_NAME_TAKEN = "`dataset_name_taken`: a shared dataset has this name, whatever its case."
_EXAMPLE_LINK = {"bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "priority": 2}


class DatasetView(ApiView):
    permission_classes = (HasTenant, permit("datasets"))


class DatasetList(DatasetView):
    @describe(
        "List datasets", query=DatasetQuery, answers={200: DatasetPageSchema},
        description="Shared ones, newest first; with `include_private` the bots' own too. `q` looks in name and "
        "description.",
    )  # fmt: skip
    def get(self, request: Request, query: DatasetQuery) -> Page[Dataset]:
        found = filter_datasets(
            text=query.q,
            tag=query.tag,
            is_active=query.is_active,
            with_private=query.include_private,
        )
        return paginate(found, query).counted(found.count())

    @describe(
        "Create a dataset", body=NewDataset, answers={201: DatasetSchema}, errors={409: _NAME_TAKEN},
        description="One that bots can share. Without `embedding_model` it has the installation's.",
        example={"name": "Product handbook", "tags": ["support"]},
    )  # fmt: skip
    def post(self, request: Request, body: NewDataset) -> Dataset:
        return create_dataset(body.model_dump())


class DatasetOverview(DatasetView):
    @describe("Count what all datasets hold", answers={200: DatasetFiguresSchema})
    def get(self, request: Request) -> DatasetFigures:
        return measure_dataset()


class DatasetDetail(DatasetView):
    @describe("Show a dataset", answers={200: DatasetSchema})
    def get(self, request: Request, dataset_id: UUID) -> Dataset:
        return find_dataset(dataset_id)

    @describe(
        "Change a dataset", body=DatasetChanges, answers={200: DatasetSchema}, example={"is_active": False},
        description="Only what is sent changes. An inactive dataset answers no more with the next question.",
        errors={409: f"{_NAME_TAKEN} `dataset_private`: it is a bot's own. `embedding_model_fixed`, "
                "`embedding_model_differs`: the model cannot change any more."},
    )  # fmt: skip
    def patch(self, request: Request, dataset_id: UUID, body: DatasetChanges) -> Dataset:
        return update_dataset(dataset_id, body.model_dump(exclude_unset=True))

    @describe(
        "Delete a dataset", query=DeletionQuery, answers={204: None},
        description="With `force` its sources are deleted and its bots unlinked. Twice is as good as once.",
        errors={409: "`dataset_in_use`: it has sources or bots. `dataset_private`: it is a bot's own."},
    )  # fmt: skip
    def delete(self, request: Request, dataset_id: UUID, query: DeletionQuery) -> None:
        delete_dataset(dataset_id, force=query.force)


class DatasetStatistics(DatasetView):
    @describe("Count what a dataset holds", answers={200: DatasetFiguresSchema})
    def get(self, request: Request, dataset_id: UUID) -> DatasetFigures:
        return measure_dataset(find_dataset(dataset_id).pk)


class DatasetBots(DatasetView):
    @describe(
        "List a dataset's bots",
        answers={200: list[BotLinkSchema]},
        description="First priorities first.",
    )
    def get(self, request: Request, dataset_id: UUID) -> list[BotDataset]:
        return list(links_of_dataset(dataset_id))

    @describe(
        "Link a bot with a dataset", body=NewLink, answers={201: BotLinkSchema}, example=_EXAMPLE_LINK,
        description="It answers from it with the next question.",
        errors={409: "`dataset_already_linked`. `embedding_model_differs`. `dataset_private`."},
    )  # fmt: skip
    def post(self, request: Request, dataset_id: UUID, body: NewLink) -> BotDataset:
        return link_bot(
            dataset_id, body.bot_profile_id, priority=body.priority, is_active=body.is_active
        )


class DatasetBot(DatasetView):
    @describe(
        "Change a bot's link", body=LinkChanges, answers={200: BotLinkSchema}, example={"priority": 3},
        description="Priority 1 comes first. An inactive link is not searched.",
    )  # fmt: skip
    def patch(
        self, request: Request, dataset_id: UUID, bot_profile_id: UUID, body: LinkChanges
    ) -> BotDataset:
        return change_link(dataset_id, bot_profile_id, body.model_dump(exclude_unset=True))

    @describe(
        "Unlink a bot from a dataset",
        answers={204: None},
        errors={409: "`dataset_private`: it is a bot's own."},
    )
    def delete(self, request: Request, dataset_id: UUID, bot_profile_id: UUID) -> None:
        unlink_bot(dataset_id, bot_profile_id)


class BotDatasets(DatasetView):
    def tag_parts(self, shown: Sequence[BotLinkSchema]) -> list[Any]:
        return [(each.dataset_id, each.priority, each.is_active) for each in shown]

    @describe(
        "List a bot's datasets", answers={200: list[BotLinkSchema]},
        description="The shared ones that it is linked with, first priorities first; not its own.",
    )  # fmt: skip
    def get(self, request: Request, bot_profile_id: UUID) -> list[BotDataset]:
        return list(links_of_bot(bot_profile_id))

    @describe(
        "Set a bot's datasets", body=WantedLinks, answers={200: list[BotLinkSchema]},
        description="All of them, in order: what is not named is unlinked, and without a `priority` the place counts.",
        errors={409: "`embedding_model_differs`. `dataset_private`."}, example={"datasets": []},
    )  # fmt: skip
    def put(self, request: Request, bot_profile_id: UUID, body: WantedLinks) -> list[BotDataset]:
        return list(replace_links(bot_profile_id, body.model_dump()["datasets"]))
