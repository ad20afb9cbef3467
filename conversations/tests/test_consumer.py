"""The widget's session and socket: one bot, one origin, one visitor, and nothing of anybody else."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.test import Client
from django.utils import timezone

from bots.models import BotProfile
from conversations.following.running import running_turns
from conversations.models import Chat, Message
from conversations.tests.conftest import teach
from conversations.turns import taking
from conversations.widget import sessions
from knowledge.models import Source
from minirag.asgi import application
from minirag.lib import open_sockets
from minirag.lib.errors import NotAuthenticated
from minirag.lib.http_in.arrivals import Arrival
from minirag.lib.security import socket_places
from tenants.context import tenant_context
from tenants.models import ApiToken, Tenant
from tests.fakes.chat_model import provider_down
from tests.patient_socket import PatientSocket

QUESTION = "How many months of warranty does the Aeris One have?"
PAGE = "https://www.acme.example.com"
VISITOR = "visitor-0001"


@pytest.fixture
def bot(acme_bot) -> BotProfile:
    acme_bot.allowed_origins = [PAGE]
    acme_bot.greeting = "Hello!"
    acme_bot.save()
    return acme_bot


def open_session(
    bot, *, origin=PAGE, visitor=VISITOR, path="/v1/widget/sessions", api_token=None, **fields
):
    body = {"bot_profile_id": str(bot.pk), "visitor_id": visitor} | fields
    headers = {"origin": origin} | ({"authorization": f"Bearer {api_token}"} if api_token else {})
    with tenant_context(None):
        return Client().post(path, body, content_type="application/json", headers=headers)


def talk(
    *frames,
    token: str | None = None,
    origin: str = PAGE,
    path: str = "/ws/chat/",
    host: str = "localhost",
):
    """Send frames over one socket; after each question read until the turn ends. Returns all that came back."""

    async def run():
        headers = [(b"origin", origin.encode()), (b"host", host.encode())]
        socket = PatientSocket(application, path, headers=headers)
        connected, _ = await socket.connect()
        assert connected
        seen = []
        opening = [{"type": "authenticate", "session_token": token}] if token else []
        for frame in [*opening, *frames]:
            await socket.send_to(text_data=frame if isinstance(frame, str) else json.dumps(frame))
            while True:
                event = await socket.receive_output()
                if event["type"] == "websocket.close":
                    return [*seen, {"type": "closed", "code": event["code"]}]
                data = json.loads(event["text"])
                seen.append(data)
                if data["type"] not in ("sources", "delta"):
                    break
        await socket.disconnect()
        return seen

    with tenant_context(None):
        return async_to_sync(run)()


def question(text=QUESTION, **fields):
    return {"type": "question", "message": text} | fields


def test_a_session_is_given_to_an_allowed_page_without_any_token(bot):
    response = open_session(bot)
    assert response.status_code == 201
    body = response.json()
    assert body["bot"] == {"name": "Helper", "greeting": "Hello!", "starter_questions": []}
    assert body["chat_id"] is None and body["messages"] == [] and body["session_token"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "", "null", "https://www.acme.example.com.evil.com"]
)
def test_another_page_gets_none(bot, origin):
    response = open_session(bot, origin=origin)
    assert response.status_code == 403 and response.json()["code"] == "origin_not_allowed"


@pytest.mark.parametrize("allowed", [[], [PAGE]])
def test_our_own_pages_may_only_where_the_bot_is_public(bot, allowed):
    bot.allowed_origins = allowed
    bot.save()
    refused = open_session(bot, origin="http://testserver")
    assert refused.status_code == 403 and refused.json()["code"] == "origin_not_allowed"
    bot.is_public = True
    bot.save()
    assert open_session(bot, origin="http://testserver").status_code == 201
    assert open_session(bot, origin="https://evil.example.com").status_code == 403


def test_no_session_is_given_while_nobody_can_count_them(bot, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    refused = open_session(bot)
    assert (refused.status_code, refused.json()["code"]) == (503, "limiter_unavailable")


def test_unknown_and_inactive_bots_are_not_found(bot):
    assert open_session(BotProfile(pk=uuid4())).status_code == 404
    BotProfile.objects.filter(pk=bot.pk).update(is_active=False)
    assert open_session(bot).status_code == 404


def test_a_question_is_answered_with_the_events_of_the_stream(bot, model):
    model.enqueue("It lasts ", "36 months [1].")
    token = open_session(bot).json()["session_token"]
    ready, *events = talk(question(request_id="q-1"), token=token)
    assert ready == {"type": "authenticated", "chat_id": None}
    assert events[0]["type"] == "sources" and events[-1]["type"] == "done"
    assert (
        "".join(event["content"] for event in events if event["type"] == "delta")
        == "It lasts 36 months [1]."
    )
    assert {event["request_id"] for event in events} == {"q-1"}
    assert events[0]["sources"][0]["number"] == 1
    done = events[-1]
    assert done["citations"][0]["number"] == 1 and done["refusal"] is None
    chat = Chat.objects.get(pk=done["chat_id"])
    assert (chat.visitor_id, chat.origin, chat.user_id) == (VISITOR, PAGE, None)


def test_the_pages_language_counts_before_the_browsers(bot):
    bot.model = "minirag/extractive"
    bot.save()
    token = open_session(bot).json()["session_token"]
    frame = {"type": "authenticate", "session_token": token, "language": "de-CH"}
    events = talk(frame, question(message="hi"), token=None)
    assert events[-1]["type"] == "done" and events[-1]["refusal"] is None
    said = "".join(event["content"] for event in events if event["type"] == "delta")
    assert said.startswith("Guten Tag")


def test_a_second_question_goes_on_in_the_same_chat_and_reset_begins_another(bot, model):
    token = open_session(bot).json()["session_token"]
    for _ in range(3):
        model.enqueue("36 months [1].")
    events = talk(question(), question(), {"type": "reset"}, question(), token=token)
    first, second, third = [event["chat_id"] for event in events if event["type"] == "done"]
    assert first == second != third


def test_a_conversation_is_there_again_after_a_reload(bot, model):
    model.enqueue("36 months [1].")
    token = open_session(bot).json()["session_token"]
    chat_id = talk(question(), token=token)[-1]["chat_id"]
    body = open_session(bot, chat_id=chat_id).json()
    assert body["chat_id"] == chat_id
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"]
    assert body["messages"][1]["citations"][0]["number"] == 1
    stranger = open_session(bot, chat_id=chat_id, visitor="visitor-0002").json()
    assert stranger["chat_id"] is None and stranger["messages"] == []


def test_another_visitor_cannot_go_on_in_the_chat(bot, model):
    model.enqueue("36 months [1].")
    chat_id = talk(question(), token=open_session(bot).json()["session_token"])[-1]["chat_id"]
    stranger = open_session(bot, visitor="visitor-0002").json()["session_token"]
    opening = {"type": "authenticate", "session_token": stranger, "chat_id": chat_id}
    assert talk(opening, question())[-1]["code"] == "not_found"
    assert Message.objects.count() == 2


class TestAPageThatNarrows:
    @pytest.fixture
    def tagged(self, bot) -> BotProfile:
        source = teach(bot, "Sandals may be sent back within 90 days.", "Sandals")
        source.tags = ["shoes"]
        source.save()
        return bot

    def ask(self, bot, source_filter, text="Within how many days may it be sent back?"):
        opening = {
            "type": "authenticate", "source_filter": source_filter,
            "session_token": open_session(bot).json()["session_token"],
        }  # fmt: skip
        return talk(opening, question(text), question(text))

    def test_gets_answers_from_its_own_tags_alone_for_every_question(self, tagged, model):
        for _ in range(2):
            model.enqueue("90 days [1].")
        self.ask(tagged, {"tags": ["shoes"]})
        prompts = [str(request.messages) for request in model.requests]
        assert len(prompts) == 2
        assert all("90 days" in each and "30 days" not in each for each in prompts)

    def test_never_gets_more_than_the_bot_has(self, tagged, globex_bot, globex, model):
        with tenant_context(globex.tenant):
            foreign = str(teach(globex_bot, "Sent back within 7 days.", "Returns").pk)
        tagged.source_filter = {"tags": ["shoes"]}
        tagged.save()
        other = str(Source.objects.get(name="Facts").pk)
        for source_id in (foreign, other):
            *_, last = self.ask(tagged, {"source_ids": [source_id]})
            assert last["type"] == "done" and last["refusal"] and not model.requests

    @pytest.mark.parametrize(
        "bad", [{"tags": []}, {"tags": ["x" * 51]}, {"nonsense": 1}, {"source_ids": ["x"]}, [], "x"]
    )
    def test_is_told_of_a_filter_that_is_none(self, tagged, bad):
        error, closed = self.ask(tagged, bad)
        assert (error["type"], error["code"]) == ("error", "validation_error")
        assert closed == {"type": "closed", "code": 4401}


def test_without_a_session_nothing_is_answered(bot):
    assert [event["type"] for event in talk(question())] == ["error"]
    assert not Message.objects.exists()


@pytest.mark.parametrize("token", ["x", "a.b.c", ""])
def test_a_forged_session_is_refused(bot, token):
    answer = talk({"type": "authenticate", "session_token": token})
    assert answer[0]["type"] == "error" and answer[0]["code"] in (
        "session_invalid",
        "not_authenticated",
    )


def test_a_session_token_is_no_jwt_for_the_api_and_the_other_way_round(bot, alice_jwt):
    token = open_session(bot).json()["session_token"]
    assert Client(HTTP_AUTHORIZATION=f"Bearer {token}").get("/v1/chat").status_code == 401
    assert (
        talk({"type": "authenticate", "session_token": alice_jwt})[0]["code"] == "session_invalid"
    )


@pytest.fixture
def alice_jwt(acme) -> str:
    from tenants.authentication import issue_jwt

    return issue_jwt(acme.owner)


def test_an_expired_session_says_so(bot, monkeypatch):
    past = timezone.now() - timedelta(hours=2)
    monkeypatch.setattr(sessions.timezone, "now", lambda: past)
    token, _ = sessions.issue_session(bot, VISITOR, PAGE)
    monkeypatch.undo()
    assert talk({"type": "authenticate", "session_token": token})[0]["code"] == "session_expired"


def test_a_session_is_good_for_its_own_page_only(bot):
    token = open_session(bot).json()["session_token"]
    assert talk(token=token, origin="https://evil.example.com")[0]["code"] == "session_invalid"


class TestPagesOfThePredecessor:
    """They carry an API token instead of standing in the bot's list of origins."""

    ELSEWHERE = "https://old.example.com"

    def test_the_token_stands_in_for_the_list(self, bot, acme, model):
        assert open_session(bot, origin=self.ELSEWHERE).status_code == 403
        session = open_session(bot, origin=self.ELSEWHERE, api_token=acme.raw_token).json()
        model.enqueue("Two years [1].")
        seen = talk(question(), token=session["session_token"], origin=self.ELSEWHERE)
        assert seen[-1]["type"] == "done"

    def test_a_revoked_token_ends_its_sessions_at_once(self, bot, acme, model):
        with tenant_context(None):
            token, raw_token = ApiToken.objects.mint(user=acme.owner, name="page", rights=["chat"])
        session = open_session(bot, origin=self.ELSEWHERE, api_token=raw_token).json()[
            "session_token"
        ]
        with tenant_context(None):
            token.revoke()
        assert open_session(bot, origin=self.ELSEWHERE, api_token=raw_token).status_code == 401
        assert (
            talk(question(), token=session, origin=self.ELSEWHERE)[0]["code"] == "session_invalid"
        )

    def test_a_token_of_another_tenant_or_for_another_bot_opens_nothing(self, bot, acme, globex):
        with tenant_context(None):
            _, other_bot = ApiToken.objects.mint(
                user=acme.owner, name="page", bot_profile_id=uuid4()
            )
        for token, status in ((globex.raw_token, 403), (other_bot, 403), ("x" * 43, 401)):
            assert open_session(bot, origin=self.ELSEWHERE, api_token=token).status_code == status


def test_a_session_of_acme_is_refused_on_globexs_path(bot, globex):
    token = open_session(bot).json()["session_token"]
    assert talk(token=token, path="/t/acme/ws/chat/")[0]["type"] == "authenticated"
    assert talk(token=token, path="/t/globex/ws/chat/")[0]["code"] == "session_invalid"
    assert talk(token=token, host="unknown.example.com")[0]["code"] == "session_invalid"
    assert open_session(bot, path="/v1/widget/sessions").status_code == 201


def test_a_session_whose_claims_name_another_tenants_bot_finds_nothing(bot, globex):
    claims = {
        "aud": "minirag.widget",
        "tid": str(globex.tenant.pk),
        "bot": str(bot.pk),
        "vid": VISITOR,
        "org": PAGE,
        "exp": timezone.now() + timedelta(minutes=5),
    }
    token = jwt.encode(claims, settings.JWT_SECRET_KEY, algorithm="HS256")
    assert talk(question(), token=token)[0]["code"] == "session_invalid"
    assert not Message.objects.exists()


def test_a_page_that_is_no_longer_allowed_loses_its_session_at_once(bot, model):
    token = open_session(bot).json()["session_token"]
    bot.allowed_origins = []
    bot.save()
    assert talk(question(), token=token)[0]["code"] == "session_invalid"
    bot.allowed_origins, bot.is_active = [PAGE], False
    bot.save()
    assert talk(question(), token=token)[0]["code"] == "session_invalid"


def test_a_suspended_tenant_stops_answering_on_an_open_socket(acme, bot, model):
    token = open_session(bot).json()["session_token"]
    acme.tenant.change_status("suspended")
    assert talk(question(), token=token)[0]["code"] == "session_invalid"
    assert open_session(bot).status_code in (404, 409)
    assert not Message.objects.exists()


def test_a_failing_provider_is_an_error_frame_and_the_socket_stays(bot, model):
    model.enqueue(provider_down())
    model.enqueue("36 months [1].")
    token = open_session(bot).json()["session_token"]
    events = talk(question(request_id="q-1"), question(), token=token)
    error = next(event for event in events if event["type"] == "error")
    assert (error["code"], error["retryable"], error["request_id"]) == (
        "provider_unavailable",
        True,
        "q-1",
    )
    assert events[-1]["type"] == "done"


def test_stop_ends_the_answer_with_what_was_said(bot, model):
    model.enqueue("It lasts 36 months [1] ", 20.0, "never said")
    token = open_session(bot).json()["session_token"]

    async def run():
        headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
        socket = PatientSocket(application, "/ws/chat/", headers=headers)
        await socket.connect()
        await socket.send_json_to({"type": "authenticate", "session_token": token})
        await socket.receive_json_from()
        await socket.send_json_to(question(request_id="q-9"))
        while (await socket.receive_json_from())["type"] != "delta":
            pass
        await socket.send_json_to({"type": "stop"})
        while True:
            frame = await socket.receive_json_from()
            if frame["type"] == "done":
                await socket.disconnect()
                return frame

    with tenant_context(None):
        done = async_to_sync(run)()
    assert done["request_id"] == "q-9" and done["content"].startswith("It lasts 36 months")
    assert Message.objects.get(role="assistant").outcome == "stopped"


def test_stop_before_a_word_was_said_is_answered_too(bot, model):
    model.enqueue(20.0, "never said")
    token = open_session(bot).json()["session_token"]

    async def run():
        headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
        socket = PatientSocket(application, "/ws/chat/", headers=headers)
        await socket.connect()
        await socket.send_json_to({"type": "authenticate", "session_token": token})
        await socket.receive_json_from()
        await socket.send_json_to(question(request_id="q-8"))
        await socket.receive_json_from()
        await socket.send_json_to({"type": "stop"})
        done = await socket.receive_json_from()
        await socket.disconnect()
        return done

    with tenant_context(None):
        done = async_to_sync(run)()
    assert (done["type"], done["request_id"], done["content"], done["message_id"]) == (
        "done",
        "q-8",
        "",
        None,
    )
    assert Message.objects.get().outcome == "stopped"


def test_a_socket_serves_one_bot(bot, model):
    other = BotProfile.objects.create(name="Other", allowed_origins=[PAGE])
    tokens = [open_session(each).json()["session_token"] for each in (bot, other)]
    answers = talk({"type": "authenticate", "session_token": tokens[1]}, token=tokens[0])
    assert [answer["type"] for answer in answers[:2]] == ["authenticated", "error"]


def test_feedback_reaches_only_ones_own_answers(bot, model):
    model.enqueue("36 months [1].")
    token = open_session(bot).json()["session_token"]
    done = talk(question(), token=token)[-1]
    feedback = {"type": "feedback", "message_id": done["message_id"], "feedback": "positive"}
    assert talk(feedback, token=token)[-1]["type"] == "feedback_saved"
    assert Message.objects.get(pk=done["message_id"]).feedback == "positive"
    stranger = open_session(bot, visitor="visitor-0002").json()["session_token"]
    assert talk(feedback | {"feedback": None}, token=stranger)[-1]["code"] == "not_found"
    assert Message.objects.get(pk=done["message_id"]).feedback == "positive"


def test_a_visitor_finds_and_deletes_their_own_conversations_and_nobody_elses(bot, model):
    model.enqueue("36 months [1].")
    ada, bob = (
        open_session(bot, visitor=f"visitor-000{n}").json()["session_token"] for n in (1, 2)
    )
    chat_id = talk(question(), token=ada)[-1]["chat_id"]
    [told] = talk({"type": "chats", "request_id": "c"}, token=ada)[1:]
    assert (told["type"], told["request_id"]) == ("chats", "c")
    assert [(each["id"], each["title"]) for each in told["chats"]] == [(chat_id, QUESTION)]
    other = BotProfile.objects.create(name="Other", allowed_origins=[PAGE])
    elsewhere = open_session(other, visitor="visitor-0001").json()["session_token"]
    forget = {"type": "forget_chat", "chat_id": chat_id}
    for token in (bob, elsewhere):
        assert talk({"type": "chats"}, token=token)[-1]["chats"] == []
        assert talk(forget, token=token)[-1]["code"] == "not_found"
    assert talk(forget | {"chat_id": "x"}, token=ada)[-1]["type"] == "error"
    assert Chat.objects.count() == 1
    Chat.objects.update(subject="customer-1")  # begun by somebody whom the page had signed for
    assert talk({"type": "chats"}, token=ada)[-1]["chats"] == []
    assert talk(forget, token=ada)[-1]["code"] == "not_found"
    Chat.objects.update(subject="", groups=["staff"])
    assert talk({"type": "chats"}, token=ada)[-1]["chats"] == []
    Chat.objects.update(groups=[])
    assert talk(forget, {"type": "chats"}, token=ada)[1:] == [
        {"type": "chat_forgotten", "request_id": "", "chat_id": chat_id},
        {"type": "chats", "request_id": "", "chats": []},
    ]
    assert not Chat.objects.exists() and not Message.objects.exists()


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "[]",
        "7",
        '{"type": "dance"}',
        '{"type": 5}',
        '{"type": "question"}',
        '{"type": "question", "message": ""}',
        '{"type": "question", "message": "\\u0000"}',
    ],
)
def test_a_bad_frame_is_answered_with_an_error_and_stores_nothing(bot, frame):
    token = open_session(bot).json()["session_token"]
    assert talk(frame, token=token)[-1]["type"] == "error"
    assert not Message.objects.exists()


@pytest.mark.parametrize("bad", ["{", "[]", '{"type": "dance"}', '{"type": "authenticate"}'])
def test_before_authentication_the_first_bad_frame_is_the_last(bot, bad):
    token = open_session(bot).json()["session_token"]
    error, *more = talk(bad, {"type": "authenticate", "session_token": token}, question())
    assert error["type"] == "error"
    assert more == [{"type": "closed", "code": 4401}]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"visitor_id": "x"}, {"visitor_id": None}, {"bot_profile_id": "x"}, {"chat_id": 1}]
)
def test_a_bad_session_request_is_a_422(bot, fields):
    assert open_session(bot, **fields).status_code == 422


def test_one_address_cannot_ask_without_end_by_inventing_visitors(
    bot, model, settings, fresh_limits
):
    settings.VISITOR_RATE = "1/minute"
    tokens = [sessions.issue_session(bot, f"visitor-{uuid4().hex}", PAGE)[0] for _ in range(11)]
    codes = []
    for token in tokens:
        model.enqueue("36 months [1].")
        codes.append(talk(question(), token=token)[-1].get("code"))
    assert codes[:10] == [None] * 10 and codes[10] == "rate_limited"


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "authenticate"},
        {"type": "resume", "request_id": "never-asked"},
        {"type": "feedback", "message_id": str(uuid4()), "feedback": "positive"},
        {"type": "reset"},
        {"type": "nonsense"},
        "no frame at all",
        {"type": "question", "message": ""},
    ],
    ids=lambda frame: frame["type"] if isinstance(frame, dict) else "no frame",
)
def test_every_frame_is_counted_and_who_never_stops_is_sent_away(
    bot, settings, fresh_limits, monkeypatch, frame
):
    """Each costs a look into the database or at least our time, and none is a question that is counted by itself."""
    settings.VISITOR_RATE = "1/minute"
    monkeypatch.setattr("conversations.widget.asked.UNWRITTEN_SECONDS", 0)
    token = sessions.issue_session(bot, VISITOR, PAGE)[0]
    if isinstance(frame, dict) and frame["type"] == "authenticate":
        frame = frame | {"session_token": token}
    seen = talk(*[frame] * 30, token=token)
    codes = [event.get("code") for event in seen]
    assert codes[-1] == 4429 and codes[-12:-1] == ["rate_limited"] * 11
    assert "rate_limited" not in codes[:6]
    later = talk(token=sessions.issue_session(bot, f"visitor-{uuid4().hex}", PAGE)[0])
    assert later[-1]["type"] == "authenticated"


def test_who_tries_to_authenticate_without_end_is_counted_by_address(bot, settings, fresh_limits):
    settings.VISITOR_RATE = "1/minute"
    codes = [talk({"type": "authenticate", "session_token": "x"})[0]["code"] for _ in range(61)]
    assert codes == ["session_invalid"] * 60 + ["rate_limited"]


def test_one_network_keeps_no_sockets_open_without_end(bot, monkeypatch):
    """An idle one costs memory, and is in no rate."""
    monkeypatch.setattr(socket_places, "MOST_OF_ONE_NETWORK", 2)
    before = open_sockets.count_sockets()  # of tests that hung up without a word
    token = sessions.issue_session(bot, VISITOR, PAGE)[0]

    async def connect(address):
        headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
        socket = PatientSocket(application, "/ws/chat/", headers=headers)
        socket.scope["client"] = [address, 1]
        await socket.connect()
        await socket.send_json_to({"type": "authenticate", "session_token": token})
        return socket, await socket.receive_output()

    async def run():
        kept = [await connect("203.0.113.7") for _ in range(2)]
        refused = await connect("203.0.113.7")
        elsewhere = await connect("203.0.113.8")
        await kept[0][0].disconnect()
        again = await connect("203.0.113.7")
        for socket, _ in (kept[1], elsewhere, again):
            await socket.disconnect()
        return [heard for _, heard in (*kept, refused, elsewhere, again)]

    with tenant_context(None):
        heard = async_to_sync(run)()
    assert [each.get("code") for each in heard] == [None, None, 4429, None, None]
    assert open_sockets.count_sockets() <= before


class TestAVisitorWhoseSocketBreaks:
    """What was asked is asked once, whatever the widget does when it comes back."""

    ASKED = question(request_id="q-1")
    RESUMED = {"type": "resume", "request_id": "q-1"}

    async def open_socket(self, token) -> PatientSocket:
        headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
        socket = PatientSocket(application, "/ws/chat/", headers=headers)
        await socket.connect()
        await socket.send_json_to({"type": "authenticate", "session_token": token})
        await socket.receive_json_from()
        return socket

    async def hear(self, socket) -> dict:
        """The last frame of an answer."""
        while True:
            frame = await socket.receive_json_from()
            if frame["type"] in ("done", "error"):
                return frame

    def break_off_and(self, frame, token) -> dict:
        """Ask, lose the socket, come back with this frame; returns the last of what is heard then."""

        async def run():
            broken = await self.open_socket(token)
            await broken.send_json_to(self.ASKED)
            while not len(running_turns()):
                await asyncio.sleep(0.01)
            await broken.disconnect()
            again = await self.open_socket(token)
            await again.send_json_to(frame)
            heard = await self.hear(again)
            await again.disconnect()
            while len(running_turns()):
                await asyncio.sleep(0.01)
            return heard

        with tenant_context(None):
            return async_to_sync(run)()

    @pytest.fixture
    def slow_storing(self, monkeypatch):
        store = taking._open

        async def store_slowly(*args):
            await asyncio.sleep(0.5)
            return await store(*args)

        monkeypatch.setattr(taking, "_open", store_slowly)

    def test_hears_what_was_not_yet_stored_when_he_came_back(self, bot, model, slow_storing):
        model.enqueue("It is covered for ", 0.3, "36 months [1].")
        done = self.break_off_and(self.RESUMED, open_session(bot).json()["session_token"])
        assert (done["type"], done["request_id"]) == ("done", "q-1")
        assert Message.objects.filter(role="user").count() == 1

    def test_is_told_that_it_never_arrived_where_it_did_not(self, bot, monkeypatch):
        monkeypatch.setattr("conversations.widget.asked.UNWRITTEN_SECONDS", 0.3)
        token = open_session(bot).json()["session_token"]
        assert talk(self.RESUMED, token=token)[-1]["code"] == "not_found"

    def test_may_ask_again_and_hears_the_answer_that_is_being_written(self, bot, model):
        model.enqueue("It is covered for ", 1.0, "36 months [1].")
        done = self.break_off_and(self.ASKED, open_session(bot).json()["session_token"])
        assert (done["type"], done["request_id"]) == ("done", "q-1")
        assert Message.objects.filter(role="user").count() == 1

    @pytest.mark.parametrize(
        "asked", [question(), question(request_id="q-2"), question("Another?", request_id="q-1")]
    )
    def test_may_ask_something_else_meanwhile(self, bot, model, asked):
        model.enqueue("It is covered for ", 0.5, "36 months [1].")
        model.enqueue("It is covered for 36 months [1].")
        self.break_off_and(asked, open_session(bot).json()["session_token"])
        assert Message.objects.filter(role="user").count() == 2

    def test_hears_nothing_of_another_visitors_question_with_that_id(self, bot, model):
        model.enqueue("It is covered for 36 months [1].")
        model.enqueue("It is covered for 36 months [1].")
        for visitor in (VISITOR, "visitor-0002"):
            token = open_session(bot, visitor=visitor).json()["session_token"]
            assert talk(self.ASKED, token=token)[-1]["type"] == "done"
        assert Message.objects.filter(role="user").count() == 2

    def test_two_sockets_that_ask_the_same_at_the_same_instant_hear_one_answer(self, bot, model):
        model.enqueue("It is covered for ", 0.3, "36 months [1].")
        model.enqueue("It is charged twice.")
        token = open_session(bot).json()["session_token"]

        async def run():
            sockets = [await self.open_socket(token) for _ in range(2)]
            for socket in sockets:
                await socket.send_json_to(self.ASKED)
            heard = [await self.hear(socket) for socket in sockets]
            for socket in sockets:
                await socket.disconnect()
            while len(running_turns()):
                await asyncio.sleep(0.01)
            return heard

        with tenant_context(None):
            heard = async_to_sync(run)()
        assert [frame["type"] for frame in heard] == ["done", "done"]
        assert heard[0]["chat_id"] == heard[1]["chat_id"]
        assert Message.objects.filter(role="user").count() == 1 and len(model.requests) == 1
        assert Chat.objects.count() == 1

    def test_may_ask_again_what_has_failed(self, bot, model):
        model.enqueue(provider_down())
        model.enqueue("It is covered for 36 months [1].")
        token = open_session(bot).json()["session_token"]
        assert talk(self.ASKED, token=token)[-1]["type"] == "error"
        assert talk(self.ASKED, token=token)[-1]["type"] == "done"


@pytest.mark.usefixtures("initech")
def test_a_socket_whose_tenant_was_erased_is_told_that_its_session_is_not_valid():
    """Though what is asked of it first is asked in its schema, which is gone."""
    gone = Tenant(slug="gone", schema_name="t_gone")
    bot = BotProfile(pk=uuid4())
    with tenant_context(gone):
        token, ends_at = sessions.issue_session(bot, VISITOR, PAGE)
    before = sessions.WidgetSession(gone, bot.pk, VISITOR, PAGE, ends_at)
    headers = [(b"origin", PAGE.encode()), (b"host", b"localhost")]
    arrival = Arrival.of_scope({"type": "websocket", "path": "/ws/chat/", "headers": headers})
    with tenant_context(None), pytest.raises(NotAuthenticated) as refused:
        sessions.open_on_page(token, arrival, before)
    assert refused.value.code == "session_invalid"
