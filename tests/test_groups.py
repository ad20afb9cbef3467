"""What is for some groups is told to them alone, whichever way somebody takes: two tenants, two groups, a stranger."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from bots.models import BotProfile
from conversations.models import Chat
from conversations.tests.conftest import FACTS, make_bot, teach
from knowledge.curated.changing import create_answer
from knowledge.models import Source
from tenants.context import tenant_context
from tenants.models import ApiToken, Right
from tests.fakes.chat_model import FakeChatModel

SECRET = "zwiebelkuchen"
STAFF_ONLY = (
    f"---\ntitle: The {SECRET} bonus\ngroups: [Staff]\n---\n# How is the {SECRET} bonus paid to employees?\n\n"
    f"The {SECRET} bonus of 4711 euros is paid to employees in the month of May."
)
ASKED = f"How is the {SECRET} bonus paid to employees?"
OFFLINE = {"model": "minirag/extractive", "embedding_model": "minirag/hash"}


@pytest.fixture
def bot(in_acme) -> BotProfile:
    made = make_bot(**OFFLINE)
    teach(made, FACTS)
    teach(made, STAFF_ONLY, name=f"{SECRET}.md")
    return made


def token_for(party, **fields):
    """The party, calling with a token of its owner that has no more than it needs."""
    _, secret = ApiToken.objects.mint(
        user=party.owner, name="x", **{"rights": [Right.CHAT], **fields}
    )
    return replace(party, raw_token=secret)


def call(party, path, body, method="POST"):
    """The status, and all that came back as text: every event of a stream as well."""

    async def send():
        response = await AsyncClient().generic(
            method, path, json.dumps(body), content_type="application/json",
            headers={"authorization": f"Bearer {party.raw_token}"},
        )  # fmt: skip
        told = (
            b"".join([part async for part in response]) if response.streaming else response.content
        )
        return response.status_code, told.decode()

    with tenant_context(None):
        return async_to_sync(send)()


def ask(party, bot, question=ASKED, **fields):
    body = {"bot_profile_id": str(bot.pk), "message": question, "extended": True, **fields}
    return call(party, "/v1/chat", body)


def complete(party, bot, question=ASKED, **fields):
    said = [{"role": "user", "content": question}]
    return call(party, "/v1/chat/completions", {"model": str(bot.pk), "messages": said, **fields})


WAYS = [
    (ask, {}), (ask, {"stream": True}), (complete, {}), (complete, {"stream": True}),
]  # fmt: skip
PROBES = [
    ASKED, f"{SECRET}?", "bonus?", "4711", "Hello", "What can you do?", "What is this about?",
    f"{SECRET[:-1]}m bonus", "employees", "How many months of warranty does the Aeris One have?",
]  # fmt: skip


@pytest.mark.parametrize("way, fields", WAYS)
def test_only_the_group_is_told(acme, bot, way, fields):
    for groups in ([], ["guests"], ["sta"], ["staff "[:4]]):
        status, told = way(token_for(acme, groups=groups), bot, **fields)
        assert status == 200 and "4711" not in told and f"{SECRET}.md" not in told
    status, told = way(token_for(acme, groups=["staff"]), bot, **fields)
    assert status == 200 and "4711" in told


def strip(told: str, question: str) -> str:
    return told.lower().replace(question.lower(), "")


@pytest.mark.parametrize("question", PROBES)
def test_a_stranger_sees_no_word_of_it_wherever_they_look(acme, bot, question):
    """Not in the answer, its sources, what is offered below a refusal, small talk's topics, readings asked back."""
    for fields in ({}, {"groups": []}, {"source_filter": {"languages": ["en"]}}):
        _, told = ask(token_for(acme, names_groups=True), bot, question, **fields)
        assert "4711" not in told and SECRET not in strip(told, question)
        assert "employees" not in strip(told, question)


def test_a_starter_question_is_offered_only_to_whom_it_is_answered(acme, bot):
    bot.starter_questions = [ASKED]
    bot.save()
    asked = "Where can I park a submarine?"
    assert ASKED not in ask(token_for(acme), bot, asked)[1]
    assert ASKED in ask(token_for(acme, groups=["staff"]), bot, asked)[1]


def test_a_token_names_no_groups_but_its_own(acme, bot):
    plain, staff = token_for(acme, groups=["guests"]), token_for(acme, groups=["staff", "board"])
    for way in (ask, complete):
        status, told = way(plain, bot, groups=["staff"])
        assert status == 403 and "groups_not_allowed" in told
        assert "4711" not in way(plain, bot, groups=["guests"])[1]
        assert "4711" not in way(staff, bot, groups=["board"])[1]
        assert "4711" in way(staff, bot, groups=["STAFF"])[1]
        assert "4711" in way(token_for(acme, names_groups=True), bot, groups=["staff"])[1]
        assert "4711" not in way(token_for(acme, names_groups=True), bot)[1]
    assert not Chat.objects.filter(title=ASKED, groups=["guests"]).exclude(groups=["guests"])


@pytest.mark.parametrize("groups", [["*"], ["all"], [""], ["x" * 65], ["x"] * 51, "staff", [1]])
def test_groups_that_are_none_are_refused(acme, bot, groups):
    token = token_for(acme, names_groups=True)
    assert ask(token, bot, groups=groups)[0] == 422
    assert complete(token, bot, groups=groups)[0] in (400, 422)


def test_a_person_of_the_tenant_reads_all_or_tries_it_as_a_visitor(acme, bot, bob):
    Source.objects.filter(name="Facts").update(visibility="private")
    from tenants.authentication import issue_jwt

    member = replace(acme, raw_token=issue_jwt(bob))
    warranty = "How many months of warranty does the Aeris One have?"
    assert "4711" in ask(member, bot)[1] and "36 months" in ask(member, bot, warranty)[1]
    assert "4711" not in ask(member, bot, groups=[])[1]
    assert "4711" in ask(member, bot, groups=["staff"])[1]
    assert "36 months" not in ask(member, bot, warranty, groups=["staff"])[1]
    assert "36 months" not in ask(token_for(acme, groups=["staff"]), bot, warranty)[1]


def test_another_tenants_groups_are_another_thing(acme, globex, bot):
    with tenant_context(globex.tenant):
        theirs = make_bot(**OFFLINE)
        teach(theirs, STAFF_ONLY.replace("4711", "0815"))
    party = token_for(globex, groups=["staff"], names_groups=True)
    assert ask(party, bot)[0] == 404 and "4711" not in ask(party, theirs)[1]
    assert "0815" in ask(party, theirs)[1]


def test_a_change_of_visibility_counts_for_the_next_question(acme, bot, as_acme):
    staff, stranger = token_for(acme, groups=["staff"]), token_for(acme)
    warranty = "How many months of warranty does the Aeris One have?"
    source = Source.objects.get(name="Facts")

    def change(**fields):
        with tenant_context(None):
            changed = as_acme.patch(
                f"/v1/sources/{source.pk}", fields, content_type="application/json"
            )
        assert changed.status_code == 200
        return changed.json()

    assert "36 months" in ask(stranger, bot, warranty)[1]
    shown = change(groups=["Staff", "board", "staff"])
    assert shown["groups"] == ["board", "staff"] and "visibility" not in shown
    assert "36 months" not in ask(stranger, bot, warranty)[1]
    assert "36 months" in ask(staff, bot, warranty)[1]
    shown = change(groups=[], visibility="private")
    assert shown["visibility"] == "private" and "groups" not in shown
    assert "36 months" not in ask(staff, bot, warranty)[1]
    change(visibility="public")
    assert "36 months" in ask(stranger, bot, warranty)[1]
    events = as_acme.get("/v1/audit-events?action=source.changed").json()
    assert [each["detail"]["changes"] for each in events["items"]][:2] == [
        {"visibility": ["private", "public"]},
        {"groups": [["board", "staff"], []], "visibility": ["public", "private"]},
    ]


# --- What was said before -------------------------------------------------------------------------------------------
def test_what_was_said_to_the_group_is_in_no_strangers_chat(acme, bot, monkeypatch):
    model = FakeChatModel().take_over(monkeypatch)
    bot.model = "openai/gpt-test"
    bot.save()
    model.enqueue("It is 4711 euros [1].")
    staff, stranger = token_for(acme, groups=["staff"]), token_for(acme)
    chat = json.loads(ask(staff, bot)[1])["chat_id"]
    status, told = ask(stranger, bot, "And when is it paid?", chat_id=chat)
    assert (status, len(model.requests)) == (404, 1) and "4711" not in told
    status, _ = complete(stranger, bot, "And when is it paid?", metadata={"chat_id": chat})
    assert status == 404
    model.enqueue("In May [1].")
    assert ask(staff, bot, "And when is it paid?", chat_id=chat)[0] == 200
    other = token_for(acme, groups=["staff", "board"])
    model.enqueue("In May [1].")
    assert ask(other, bot, "And when is it paid?", chat_id=chat)[0] == 200
    assert ask(staff, bot, "And when is it paid?", chat_id=chat)[0] == 404


def test_a_chat_without_anything_restricted_is_anybodys_as_ever(acme, in_acme):
    open_bot = make_bot(**OFFLINE)
    teach(open_bot, FACTS)
    warranty = "How many months of warranty does the Aeris One have?"
    chat = json.loads(ask(token_for(acme, groups=["staff"]), open_bot, warranty)[1])["chat_id"]
    assert ask(token_for(acme), open_bot, warranty, chat_id=chat)[0] == 200


def test_who_reads_one_bots_chats_alone_reads_none_of_other_groups(acme, bot):
    ask(token_for(acme, groups=["staff"]), bot)
    chat = Chat.objects.get()
    message = chat.messages.get(role="assistant")
    question = chat.messages.get(role="user")
    rights = {"rights": ["chat", "read"], "bot_profile_id": bot.pk}
    bound, staff = token_for(acme, **rights), token_for(acme, groups=["staff"], **rights)
    plain = token_for(acme)
    paths = [
        "/v1/chat", f"/v1/chat/{chat.pk}", f"/v1/chat/{chat.pk}/messages", f"/v1/chat/{chat.pk}/messages/{message.pk}",
        f"/v1/chat/{chat.pk}/logs", f"/v1/chat/{chat.pk}/messages/{message.pk}/trace", "/v1/chat-logs",
        f"/v1/turns/{question.pk}/events", f"/v1/chat/{chat.pk}/export", "/v1/chats/export",
    ]  # fmt: skip
    for path in paths:
        status, told = call(bound, path, {}, "GET")
        assert status in (200, 404) and SECRET not in told, path
        assert status == 404 or str(chat.pk) not in told, path
        status, told = call(staff, path, {}, "GET")
        assert status in (404, 410) or str(chat.pk) in told or SECRET in told, path
    path = f"/v1/chat/{chat.pk}/messages/{message.pk}/feedback"
    assert call(bound, path, {"feedback": "positive"}, "PATCH")[0] == 404
    assert call(plain, path, {"feedback": "positive"}, "PATCH")[0] == 404
    assert call(staff, path, {"feedback": "positive"}, "PATCH")[0] == 200
    assert call(plain, f"/v1/turns/{question.pk}/events", {}, "GET")[0] == 404


def test_an_explanation_for_one_bot_shows_nothing_of_other_groups(acme, bot):
    bound = token_for(acme, rights=["chat", "read"], bot_profile_id=bot.pk)
    source = Source.objects.get(name=f"{SECRET}.md")
    chunk = source.chunks.get()
    path = f"/v1/bot-profiles/{bot.pk}/explain"
    for wanted in (
        {},
        {"text": "paid in the month of May"},
        {"source_id": str(source.pk)},
        {"chunk_id": str(chunk.pk)},
    ):
        status, told = call(bound, path, {"question": ASKED, **wanted})
        assert status == 200 and "4711" not in told and f"{SECRET}.md" not in told, wanted
    status, told = call(acme, path, {"question": ASKED, "chunk_id": str(chunk.pk)})
    assert status == 200 and json.loads(told)["sought"][0]["reasons"][0]["code"] == "restricted"
    status, told = call(
        acme, path, {"question": ASKED, "chunk_id": str(chunk.pk), "groups": ["staff"]}
    )
    assert status == 403  # the token of the fixture has no groups


def test_words_that_only_others_may_read_are_told_to_no_token_for_one_bot(acme, bot):
    """The tenant's vocabulary knows them: nothing shows that, neither what a word is taken for nor how often it is."""
    bound = token_for(acme, rights=["chat", "read"], bot_profile_id=bot.pk)
    misspelt = f"How is the {SECRET.replace('k', 'kk', 1)} warranty counted?"
    chat = json.loads(ask(bound, bot, misspelt)[1])["chat_id"]
    assert SECRET not in call(bound, f"/v1/chat/{chat}/logs", {}, "GET")[1]
    assert SECRET not in ask(bound, bot, misspelt)[1]
    path = f"/v1/bot-profiles/{bot.pk}/explain"
    status, told = call(bound, path, {"question": misspelt, "text": "months of warranty"})
    assert status == 200 and SECRET not in told
    status, told = call(
        bound, path, {"question": f"{SECRET} warranty", "text": "months of warranty"}
    )
    words = {
        each["word"]: each["known_in"] for each in json.loads(told)["sought"][0]["where"]["words"]
    }
    assert (words[SECRET], words["warranty"]) == (0, 1)
    status, told = call(
        acme, path, {"question": f"{SECRET} warranty", "text": "months of warranty"}
    )
    words = {
        each["word"]: each["known_in"] for each in json.loads(told)["sought"][0]["where"]["words"]
    }
    assert (words[SECRET], words["warranty"]) == (1, 1)


# --- Curated answers ------------------------------------------------------------------------------------------------
def test_a_curated_answer_is_given_to_its_groups(acme, bot):
    question = "What is the code of the cellar door?"
    create_answer(
        {"answer": "It is 0815.", "owner_id": acme.owner.pk, "groups": ["staff"]},
        questions=[question], bot_profile_ids=[bot.pk],
    )  # fmt: skip
    for asked in (question, "Tell me: what is the code of the cellar door?"):
        assert "0815" not in ask(token_for(acme, groups=["guests"]), bot, asked)[1]
    assert "0815" in ask(token_for(acme, groups=["staff"]), bot, question)[1]


# --- Tokens ---------------------------------------------------------------------------------------------------------
def test_a_token_makes_none_that_is_for_more_groups(acme, in_acme):
    def make(party, **fields):
        return call(party, "/v1/api-tokens", {"name": "child", **fields})

    maker = token_for(acme, rights=[], groups=["staff"])
    for fields in ({"groups": ["staff", "board"]}, {"names_groups": True}):
        assert make(maker, **fields)[0] == 403
    status, told = make(maker, groups=["STAFF"])
    assert status == 201 and json.loads(told)["groups"] == ["staff"]
    status, told = make(maker)
    assert status == 201 and "groups" not in json.loads(told), "they are not passed on unasked"
    assert make(token_for(acme, rights=[], names_groups=True), groups=["board"])[0] == 201
    made = ApiToken.objects.filter(groups=["staff"], name="child").get()
    status, told = call(maker, f"/v1/api-tokens/{made.pk}/rotate", {"overlap_seconds": 0})
    assert status == 201 and json.loads(told)["groups"] == ["staff"]
    other = token_for(acme, rights=[])
    new = ApiToken.objects.get(token_prefix=json.loads(told)["token_prefix"])
    assert call(other, f"/v1/api-tokens/{new.pk}/rotate", {"overlap_seconds": 0})[0] == 403


def test_a_source_is_made_for_groups_by_every_way_in(acme, as_acme, in_acme):
    bot = make_bot(**OFFLINE)
    body = {
        "bot_profile_id": str(bot.pk),
        "name": "Hours",
        "source_type": "text",
        "content": "Open from 9 to 17.",
    }
    with tenant_context(None):
        made = as_acme.post(
            "/v1/sources", {**body, "groups": ["Staff"]}, content_type="application/json"
        )
        assert made.status_code == 201 and made.json()["groups"] == ["staff"]
        assert "X-Ignored-Fields" not in made.headers
        put = as_acme.put(
            "/v1/sources/by-external-id/h1",
            {**body, "visibility": "private"},
            content_type="application/json",
        )
        assert put.status_code == 201 and put.json()["visibility"] == "private"
        again = as_acme.put("/v1/sources/by-external-id/h1", body, content_type="application/json")
        assert again.json()["visibility"] == "private", "what is not sent stays as it is"
        batch = {**body, "content": None, "groups": ["a"], "children": [
            {"name": "c", "source_type": "text", "content": "x", "groups": ["b"]}]}  # fmt: skip
        told = as_acme.post("/v1/sources/batch", batch, content_type="application/json").json()
        assert told["parent"]["groups"] == ["a"] and told["children"][0]["groups"] == ["b"]
        from django.core.files.uploadedfile import SimpleUploadedFile

        sent = as_acme.post("/v1/sources/upload", {
            "file": SimpleUploadedFile("a.txt", b"Open from 9 to 17."), "bot_profile_id": str(bot.pk),
            "groups": "Staff, board"})  # fmt: skip
        assert sent.status_code == 201 and sent.json()["groups"] == ["board", "staff"]
        for wrong in (
            {"groups": ["all"]},
            {"groups": "staff"},
            {"visibility": "secret"},
            {"groups": None},
        ):
            refused = as_acme.post(
                "/v1/sources", {**body, **wrong}, content_type="application/json"
            )
            assert refused.status_code == 422, wrong
