"""How a route is described for OpenAPI: a declaration next to its code, and models of what it answers.

Every method under `/v1` carries one, and a test fails for those that do not. What is read and what is answered are
pydantic classes of the room's schemas.py (`minirag.lib.http_in.nouns`). A method is handed `query`, `body` and ids that
it has parameters for. What it returns is written as the first of its `answers`; `Returned` names another, or headers:

    class BotList(ApiView):
        @describe("List bots", query=PlainPageQuery, answers={200: list[BotProfileSchema]})
        def get(self, request: Request, query: PlainPageQuery) -> Page[BotProfile]: ...

        @describe("Create a bot", body=NewBot, answers={201: BotProfileSchema}, example={"name": "Support"})
        def post(self, request: Request, body: NewBot) -> BotProfile: ...

        @describe("Delete a bot", answers={204: None}, errors={409: "The bot answers somebody just now."})
        def delete(self, request: Request, bot_profile_id: UUID) -> None: ...

- `answers` maps a status to a type (JSON), to None (no body), to `Media("text/csv")`, or to a tuple of these.
- `errors` maps a status to a sentence, for what is special to the route. What every route may answer is added by
  itself: 400 and 503; under `/v1` 429; with a credential 401 and 403; with fields 422, with a body 413; with an id in
  the path 404; and 409 for a write, since the tenant may be archived.
- `example` is a request body that works as it is, with the ids of `EXAMPLE_IDS` where it needs some; without it one
  is made from the required fields. `examples` names several. They are checked, and sent, by tests/test_openapi.py.
- Ids in the path are UUIDs when their name ends in `_id`; `path={"slug": str}` says otherwise.
- `form=Model` is a multipart body, with `files=("file",)` beside the model's fields.
- A view that is a function is decorated once per method, with `method="POST"`. `public=True` needs no credential; a
  class says so by `authentication_classes = ()`.

In tests the client checks each response under `/v1` against its declaration: status, content type and every key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from inspect import signature
from typing import Annotated, Any, Final, Literal, TypeVar

from django.db import transaction
from pydantic import BaseModel, Field

from minirag.lib.errors import NotFound
from minirag.lib.http_in.answering import read_asked, tag_answer, write_answer
from minirag.lib.http_in.nouns import Noun
from minirag.lib.saving.tags import ChangedMeanwhile, hold_row, is_tagged, require_match

_SAVING: Final = ("patch", "put", "delete")
F = TypeVar("F", bound=Callable[..., Any])

EXAMPLE_IDS = {
    "bot_profile_id": "b0700000-0000-4000-8000-000000000001",
    "source_id": "50c00000-0000-4000-8000-000000000001",
    "gap_id": "6a900000-0000-4000-8000-000000000001",
    "curated_answer_id": "c07a7ed0-0000-4000-8000-000000000001",
    "dataset_id": "da7a0000-0000-4000-8000-000000000001",
    "sync_id": "5c900000-0000-4000-8000-000000000001",
    "external_id": "hours-42",
    "document_id": "d0c00000-0000-4000-8000-000000000001",
    "chunk_id": "c4000000-0000-4000-8000-000000000001",
    "correction_id": "c0440000-0000-4000-8000-000000000001",
    "version_id": "7e500000-0000-4000-8000-000000000001",
    "parent_id": "50c00000-0000-4000-8000-000000000002",
    "chat_id": "c4a70000-0000-4000-8000-000000000001",
    "canned_answer_id": "ca44ed00-0000-4000-8000-000000000001",
    "note_id": "407e0000-0000-4000-8000-000000000001",
    "turn_id": "1c000000-0000-4000-8000-000000000001",
    "message_id": "3e550000-0000-4000-8000-000000000001",
    "export_id": "e4907000-0000-4000-8000-000000000001",
    "token_id": "70ce0000-0000-4000-8000-000000000001",
    "session_id": "5e551000-0000-4000-8000-000000000001",
    "invitation_id": "1e417a00-0000-4000-8000-000000000001",
    "key": "pro",
    "host": "bots.acme.example.com",
    "user_id": "05e70000-0000-4000-8000-000000000001",
    "webhook_id": "3eb00000-0000-4000-8000-000000000001",
    "scope_id": "5c09e000-0000-4000-8000-000000000001",
    "provider_id": "9e70000a-0000-4000-8000-000000000001",
    "quota_id": "900a0000-0000-4000-8000-000000000001",
    "model": "b0700000-0000-4000-8000-000000000001",  # a bot is a model
    "golden_question_id": "901d0000-0000-4000-8000-000000000001",
    "evaluation_run_id": "e7a10000-0000-4000-8000-000000000001",
    "handoff_id": "4a4d0000-0000-4000-8000-000000000001",
    "transfer_id": "74a45000-0000-4000-8000-000000000001",
    "delivery_id": "de110000-0000-4000-8000-000000000001",
}
EXAMPLE_ID = "1d000000-0000-4000-8000-000000000001"


class ErrorSchema(Noun):
    """Every error but that of invalid fields. Decide by `code`; the sentence may change."""

    detail: str
    code: str
    request_id: str
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later.")]


class OpenAiFaultSchema(Noun):
    message: str
    type: Annotated[str, Field(examples=["invalid_request_error"])]
    param: Annotated[str | None, Field(description="The field at fault.")]
    code: str


class OpenAiErrorSchema(Noun):
    """An error of the routes that speak OpenAI's protocol. Decide by the status and `code`."""

    error: OpenAiFaultSchema


class InvalidFieldSchema(Noun):
    type: Annotated[str, Field(examples=["missing"])]
    loc: Annotated[list[str | int], Field(examples=[["body", "name"]])]
    msg: Annotated[str, Field(examples=["Field required"])]
    input: Any
    ctx: dict[str, Any] = {}


class InvalidSchema(Noun):
    """Fields are missing or wrong: one entry for each, whose `loc` begins with `body`, `path` or `query`."""

    detail: list[InvalidFieldSchema]
    code: Literal["validation_error"]
    request_id: str
    retryable: bool


@dataclass(frozen=True)
class Media:
    """An answer that is not JSON. `binary` where it is not text."""

    content_type: str
    description: str = ""
    example: str | None = None
    binary: bool = False


@dataclass(frozen=True)
class Operation:
    """One method of one route; see the module's docstring."""

    summary: str
    answers: Mapping[int, Any]
    description: str = ""
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    files: tuple[str, ...] = ()
    query: type[BaseModel] | None = None
    path: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[int, str] = field(default_factory=dict)
    examples: Mapping[str, Any] = field(default_factory=dict)
    public: bool = False
    tagged: bool = False
    """Whether it shows or changes what has an `ETag`."""


def describe(
    summary: str, *, answers: Mapping[int, Any], method: str = "", example: Any = None, **facts: Any
) -> Callable[[F], F]:
    """Attach an Operation to a view's method, or to a function that is a view for its `method`."""
    if example is not None:
        facts["examples"] = {"example": example}
    operation = Operation(summary, answers, **facts)

    def attach(view: F) -> F:
        known: dict[str, Operation] = getattr(view, "operations", {})
        name = method or view.__name__.upper()
        attached = view if method else _hand_over(view, operation)
        attached.operations = {**known, name: operation}  # type: ignore[attr-defined]
        return attached

    return attach


def _hand_over(view: F, operation: Operation) -> F:
    """Pass a method what was asked for, and write what it returns as the described answer."""
    wanted = {name: each.annotation for name, each in signature(view).parameters.items()}

    @wraps(view)
    def answer(self: Any, request: Any, **path: str) -> Any:
        asked = read_asked(
            request,
            path,
            wanted,
            query=operation.query,
            body=operation.body,
            has_form=operation.form is not None,
        )
        if_match = request.headers.get("If-Match", "*").strip()
        if view.__name__ not in _SAVING or if_match == "*" or not is_tagged(type(self)):
            return write_answer(request, view(self, request, **asked), operation.answers, self)
        with transaction.atomic():
            _require_unchanged(self, request, if_match, {name: asked[name] for name in path}, asked)
            return write_answer(request, view(self, request, **asked), operation.answers, self)

    return answer  # type: ignore[return-value]


def _require_unchanged(
    view: Any, request: Any, wanted: str, ids: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """Hold the row, and raise ChangedMeanwhile where it is not what `If-Match` says.

    A view whose address alone does not say which row is meant has `find_held`: the row's id, and the query that shows
    it, of what was asked.
    """
    described = view.get.operations["GET"]
    find_held = getattr(view, "find_held", None)
    try:
        held, query = (
            find_held(**asked) if find_held else ([type(view).__name__, *ids.values()][-1], None)
        )
        hold_row(held)
        query = query if described.query is None or query else described.query()
        value = view.get.__wrapped__(view, request, **ids, **({"query": query} if query else {}))
    except NotFound:
        if ids and find_held is None:
            raise
        raise ChangedMeanwhile from None  # what a tenant has one of was taken away
    require_match(wanted, tag_answer(value, described.answers, view))


def operations_of(callback: Any) -> dict[str, Operation]:
    """Return what is described of a view, by HTTP method; a class that needs no credential makes it public."""
    operations: dict[str, Operation] = dict(getattr(callback, "operations", {}))
    view = getattr(callback, "cls", None)
    for name in ("get", "post", "put", "patch", "delete"):
        if name.upper() in operations or view is None:
            continue
        operation = getattr(getattr(view, name, None), "operations", {}).get(name.upper())
        if operation is not None:
            is_public = operation.public or not view.authentication_classes
            operations[name.upper()] = replace(
                operation, public=is_public, tagged=name != "post" and is_tagged(view)
            )
    return operations
