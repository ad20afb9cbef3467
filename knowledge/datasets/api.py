"""`/v1/datasets`, and the datasets that a bot is linked with."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

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
from knowledge.datasets.figures import measure_dataset
from knowledge.datasets.serializers import (
    DatasetChanges,
    DatasetQuery,
    DeletionQuery,
    LinkChanges,
    NewDataset,
    NewLink,
    WantedLinks,
    render_dataset,
    render_figures,
    render_link,
)
from knowledge.sources.replies import (
    BotLinkReply,
    DatasetFiguresReply,
    DatasetPageReply,
    DatasetReply,
)
from minirag.lib.http_in.openapi import EXAMPLE_IDS, describe
from minirag.lib.http_in.pagination import paginate, render_page
from minirag.lib.http_in.rest import ApiView, no_content, parse_uuid, read_body, read_query
from tenants.permissions import HasTenant, permit

_NAME_TAKEN = "`dataset_name_taken`: a shared dataset has this name, whatever its case."
_EXAMPLE_LINK = {"bot_profile_id": EXAMPLE_IDS["bot_profile_id"], "priority": 2}


class DatasetView(ApiView):
    permission_classes = (HasTenant, permit("datasets"))


class DatasetList(DatasetView):
    @describe(
        "List datasets", query=DatasetQuery, answers={200: DatasetPageReply},
        description="Shared ones, newest first; with `include_private` the bots' own too. `q` looks in name and "
        "description.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        query = read_query(DatasetQuery, request)
        found = filter_datasets(
            text=query.q,
            tag=query.tag,
            is_active=query.is_active,
            with_private=query.include_private,
        )
        page = paginate(found, query)
        return Response(
            render_page(page, [render_dataset(each) for each in page.items], total=found.count())
        )

    @describe(
        "Create a dataset", body=NewDataset, answers={201: DatasetReply}, errors={409: _NAME_TAKEN},
        description="One that bots can share. Without `embedding_model` it has the installation's.",
        example={"name": "Product handbook", "tags": ["support"]},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        body = read_body(NewDataset, request)
        return Response(render_dataset(create_dataset(body.model_dump())), status=201)


class DatasetOverview(DatasetView):
    @describe("Count what all datasets hold", answers={200: DatasetFiguresReply})
    def get(self, request: Request) -> Response:
        return Response(render_figures(measure_dataset()))


class DatasetDetail(DatasetView):
    @describe("Show a dataset", answers={200: DatasetReply})
    def get(self, request: Request, dataset_id: str) -> Response:
        return Response(render_dataset(find_dataset(parse_uuid(dataset_id, "dataset_id"))))

    @describe(
        "Change a dataset", body=DatasetChanges, answers={200: DatasetReply}, example={"is_active": False},
        description="Only what is sent changes. An inactive dataset answers no more with the next question.",
        errors={409: f"{_NAME_TAKEN} `dataset_private`: it is a bot's own. `embedding_model_fixed`, "
                "`embedding_model_differs`: the model cannot change any more."},
    )  # fmt: skip
    def patch(self, request: Request, dataset_id: str) -> Response:
        pk = parse_uuid(dataset_id, "dataset_id")
        changes = read_body(DatasetChanges, request).model_dump(exclude_unset=True)
        return Response(render_dataset(update_dataset(pk, changes)))

    @describe(
        "Delete a dataset", query=DeletionQuery, answers={204: None},
        description="With `force` its sources are deleted and its bots unlinked. Twice is as good as once.",
        errors={409: "`dataset_in_use`: it has sources or bots. `dataset_private`: it is a bot's own."},
    )  # fmt: skip
    def delete(self, request: Request, dataset_id: str) -> HttpResponse:
        pk = parse_uuid(dataset_id, "dataset_id")
        delete_dataset(pk, force=read_query(DeletionQuery, request).force)
        return no_content()


class DatasetStatistics(DatasetView):
    @describe("Count what a dataset holds", answers={200: DatasetFiguresReply})
    def get(self, request: Request, dataset_id: str) -> Response:
        dataset = find_dataset(parse_uuid(dataset_id, "dataset_id"))
        return Response(render_figures(measure_dataset(dataset.pk)))


class DatasetBots(DatasetView):
    @describe(
        "List a dataset's bots",
        answers={200: list[BotLinkReply]},
        description="First priorities first.",
    )
    def get(self, request: Request, dataset_id: str) -> Response:
        links = links_of_dataset(parse_uuid(dataset_id, "dataset_id"))
        return Response([render_link(link) for link in links])

    @describe(
        "Link a bot with a dataset", body=NewLink, answers={201: BotLinkReply}, example=_EXAMPLE_LINK,
        description="It answers from it with the next question.",
        errors={409: "`dataset_already_linked`. `embedding_model_differs`. `dataset_private`."},
    )  # fmt: skip
    def post(self, request: Request, dataset_id: str) -> Response:
        pk = parse_uuid(dataset_id, "dataset_id")
        body = read_body(NewLink, request)
        link = link_bot(pk, body.bot_profile_id, priority=body.priority, is_active=body.is_active)
        return Response(render_link(link), status=201)


class DatasetBot(DatasetView):
    @describe(
        "Change a bot's link", body=LinkChanges, answers={200: BotLinkReply}, example={"priority": 3},
        description="Priority 1 comes first. An inactive link is not searched.",
    )  # fmt: skip
    def patch(self, request: Request, dataset_id: str, bot_profile_id: str) -> Response:
        pk, bot = parse_uuid(dataset_id, "dataset_id"), parse_uuid(bot_profile_id, "bot_profile_id")
        changes = read_body(LinkChanges, request).model_dump(exclude_unset=True)
        return Response(render_link(change_link(pk, bot, changes)))

    @describe(
        "Unlink a bot from a dataset",
        answers={204: None},
        errors={409: "`dataset_private`: it is a bot's own."},
    )
    def delete(self, request: Request, dataset_id: str, bot_profile_id: str) -> HttpResponse:
        unlink_bot(
            parse_uuid(dataset_id, "dataset_id"), parse_uuid(bot_profile_id, "bot_profile_id")
        )
        return no_content()


class BotDatasets(DatasetView):
    @describe(
        "List a bot's datasets", answers={200: list[BotLinkReply]},
        description="The shared ones that it is linked with, first priorities first; not its own.",
    )  # fmt: skip
    def get(self, request: Request, bot_profile_id: str) -> Response:
        links = links_of_bot(parse_uuid(bot_profile_id, "bot_profile_id"))
        return Response([render_link(link) for link in links])

    @describe(
        "Set a bot's datasets", body=WantedLinks, answers={200: list[BotLinkReply]},
        description="All of them, in order: what is not named is unlinked, and without a `priority` the place counts.",
        errors={409: "`embedding_model_differs`. `dataset_private`."}, example={"datasets": []},
    )  # fmt: skip
    def put(self, request: Request, bot_profile_id: str) -> Response:
        pk = parse_uuid(bot_profile_id, "bot_profile_id")
        wanted = read_body(WantedLinks, request).model_dump()["datasets"]
        return Response([render_link(link) for link in replace_links(pk, wanted)])
