"""A visitor whom the site signs for is answered from what is for their groups; nobody is by any other signature."""

from __future__ import annotations

import json
from datetime import timedelta

import jwt
import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.utils import timezone

from bots.identities.changing import forget_secret, make_secret
from bots.models import BotProfile
from conversations.models import Chat, Message
from conversations.tests.conftest import FACTS, make_bot, teach
from conversations.tests.test_consumer import PAGE, VISITOR, open_session, question, talk
from conversations.widget.identities import read_identity
from knowledge.models import INSIDER, Audience
from minirag.lib.security.limits import LimiterUnavailable
from tenants.context import tenant_context

STAFF_ONLY = "---\ngroups: [staff]\n---\n# Bonus\n\nThe bonus of 4711 euros is paid to employees in the month of May."
ASKED = "How is the bonus paid to employees?"


@pytest.fixture
def bot(in_acme) -> BotProfile:
    made = make_bot(model="minirag/extractive", allowed_origins=[PAGE])
    teach(made, FACTS)
    teach(made, STAFF_ONLY, name="bonus.md")
    return made


@pytest.fixture
def secret(bot) -> str:
    return make_secret(bot.pk, 0)[1]


def sign(secret, *, key=None, minutes=10, algorithm="HS256", drop=(), **claims):
    said = {
        "sub": "ada",
        "groups": ["Staff"],
        "exp": timezone.now() + timedelta(minutes=minutes),
        **claims,
    }
    return jwt.encode(
        {name: value for name, value in said.items() if name not in drop},
        key or secret,
        algorithm=algorithm,
    )


def session_for(bot, identity, **fields):
    opened = open_session(bot, identity=identity, **fields)
    assert opened.status_code == 201, opened.content
    return opened.json()


def say(bot, identity=None, *frames, visitor=VISITOR, chat_id=None):
    """Ask over a socket of this visitor; returns the session and all that came back, as text."""
    known = {"identity": identity} if identity else {}
    opened = open_session(bot, visitor=visitor, chat_id=chat_id, **known).json()
    opening = {
        "type": "authenticate",
        "session_token": opened["session_token"],
        "chat_id": opened["chat_id"],
    }
    return opened, json.dumps(talk(opening, *(frames or [question(ASKED)])))


def test_a_signed_visitor_is_answered_from_what_is_for_them(bot, secret):
    assert "4711" in say(bot, sign(secret))[1]
    for other in (
        sign(secret, groups=["guests"]),
        sign(secret, groups=[]),
        sign(secret, drop=["groups"]),
        None,
    ):
        assert "4711" not in say(bot, other)[1]


def test_a_signature_that_is_not_right_opens_nothing(bot, secret, globex, globex_bot):
    other_bot = make_bot(name="Other", allowed_origins=[PAGE])
    others_secret = make_secret(other_bot.pk, 0)[1]
    with tenant_context(globex.tenant):
        theirs = make_secret(globex_bot.pk, 0)[1]
    wrong = {
        "another bot's": sign(others_secret), "another tenant's": sign(theirs), "nobody's": sign("x" * 43),
        "ours": sign(settings.JWT_SECRET_KEY), "of another bot": sign(secret, aud=str(other_bot.pk)),
        "without an end": sign(secret, drop=["exp"]), "without a subject": sign(secret, drop=["sub"]),
        "an empty subject": sign(secret, sub=""), "of an hour and a half": sign(secret, minutes=90),
        "insiders": sign(secret, groups=["*"]), "everybody": sign(secret, groups=["all"]),
        "a text": sign(secret, groups="staff"), "numbers": sign(secret, groups=[1]),
        "many": sign(secret, groups=["g"] * 51),
        "unsigned": sign(None, algorithm="none"), "another algorithm": sign(secret, algorithm="HS512"),
        "not yet": sign(secret, nbf=timezone.now() + timedelta(minutes=5)), "no token": "x.y.z", "a word": "staff",
    }  # fmt: skip
    for what, identity in wrong.items():
        refused = open_session(bot, identity=identity)
        assert (refused.status_code, refused.json()["code"]) == (401, "identity_invalid"), what
    expired = open_session(bot, identity=sign(secret, minutes=-1))
    assert (expired.status_code, expired.json()["code"]) == (401, "identity_expired")
    assert open_session(other_bot, identity=sign(secret)).status_code == 401
    head, body, _ = sign(secret, groups=["guests"]).split(".")
    forged = ".".join([head, sign(secret).split(".")[1], body])
    assert open_session(bot, identity=forged).status_code == 401
    assert not Chat.objects.exists()


def test_a_copied_identity_is_of_no_use_in_another_browser(bot, secret):
    identity = sign(secret)
    assert "4711" in say(bot, identity)[1] and "4711" in say(bot, identity)[1]
    refused = open_session(bot, identity=identity, visitor="visitor-0002")
    assert (refused.status_code, refused.json()["code"]) == (401, "identity_used")


def test_a_copy_whose_signature_is_written_otherwise_is_one_as_well(bot, secret):
    """Base64 has several spellings of the same bytes, and its reader leaves out what does not belong in it."""
    identity = sign(secret)
    assert "4711" in say(bot, identity)[1]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters.index(identity[-1])
    others = [identity[:-1] + letters[last ^ bits] for bits in (1, 2, 3)]
    others += [identity + tail for tail in ("=", "==", "!", "\n", " ", "A=")] + [
        identity[:-4] + "*" + identity[-4:]
    ]
    for other in others:
        refused = open_session(bot, identity=other, visitor="visitor-0002")
        assert refused.status_code in (401, 422), other
        if refused.status_code == 401:
            assert refused.json()["code"] in ("identity_used", "identity_invalid"), other


def test_marks_of_those_who_ask_at_once_are_all_kept(bot):
    chat = Chat.objects.create(bot_profile=bot)
    first, second = Chat.objects.get(pk=chat.pk), Chat.objects.get(pk=chat.pk)
    first.note_audience(Audience.of(["staff", "board"]))
    second.note_audience(Audience.of(["staff"]))
    second.note_audience(INSIDER)
    assert Chat.objects.get(pk=chat.pk).groups == second.groups == ["*", "board", "staff"]


def test_nobody_is_believed_while_nobody_can_tell_who_used_it(bot, secret, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    bot.refresh_from_db()
    with pytest.raises(LimiterUnavailable):
        read_identity(bot, sign(secret), VISITOR)


def test_a_session_ends_with_its_identity_and_with_its_secret(bot, secret):
    opened = session_for(bot, sign(secret, minutes=2))
    claims = jwt.decode(opened["session_token"], options={"verify_signature": False})
    assert claims["exp"] <= (timezone.now() + timedelta(minutes=2)).timestamp()
    new = make_secret(bot.pk, 3600)[1]
    assert "4711" in json.dumps(talk(question(ASKED), token=opened["session_token"]))
    assert "4711" in say(bot, sign(new))[1] and "4711" in say(bot, sign(secret))[1]
    BotProfile.objects.update(previous_identity_secret_until=timezone.now() - timedelta(seconds=1))
    ended = talk(question(ASKED), token=opened["session_token"])
    assert (
        ended[0]["code"] == "session_invalid"
        and open_session(bot, identity=sign(secret)).status_code == 401
    )
    last = session_for(bot, sign(new))
    forget_secret(bot.pk)
    assert talk(question(ASKED), token=last["session_token"])[0]["code"] == "session_invalid"
    assert "4711" not in say(bot)[1]


def test_a_session_cannot_be_given_groups_by_whoever_holds_it(bot, secret):
    claims = jwt.decode(
        session_for(bot, None or sign(secret, groups=[]))["session_token"],
        options={"verify_signature": False},
    )
    claims["grp"] = ["staff"]
    forged = jwt.encode(claims, secret, algorithm="HS256")
    assert talk(question(ASKED), token=forged)[0]["code"] == "session_invalid"


def test_a_chat_is_of_one_identity(bot, secret):
    """The same browser, where somebody has logged in, out, and somebody else in."""
    opened, told = say(bot, sign(secret))
    chat = Chat.objects.get()
    assert "4711" in told and (chat.subject, chat.groups) == ("ada", ["staff"])
    for other in (
        None,
        sign(secret, sub="bob", groups=["guests"]),
        sign(secret, sub="ada", groups=["guests"]),
    ):
        opened, told = say(bot, other, chat_id=str(chat.pk))
        assert opened["chat_id"] is None and opened["messages"] == [] and "4711" not in told
        token = open_session(bot, **({"identity": other} if other else {})).json()["session_token"]
        opening = {"type": "authenticate", "session_token": token, "chat_id": str(chat.pk)}
        assert "4711" not in json.dumps(talk(opening, question("And when is it paid?")))
    opened, told = say(bot, sign(secret, sub="bob"), chat_id=str(chat.pk))
    assert opened["chat_id"] is None and opened["messages"] == [], "not even of the same group"
    opened, told = say(
        bot, sign(secret, jti="another"), question("When is the bonus paid?"), chat_id=str(chat.pk)
    )
    assert opened["chat_id"] == str(chat.pk) and "4711" in json.dumps(opened["messages"])


def test_a_turn_is_read_on_and_judged_only_by_who_asked(bot, secret):
    _, told = say(bot, sign(secret), question(ASKED, request_id="r1"))
    assert "4711" in told
    message = Message.objects.get(role="assistant")
    for other in (
        None,
        sign(secret, sub="bob", groups=["guests"]),
        sign(secret, groups=["guests"]),
    ):
        for frame in ({"type": "resume", "request_id": "r1"}, question(ASKED, request_id="r1")):
            assert "4711" not in say(bot, other, frame)[1]
            assert frame["type"] == "question" or "not_found" in say(bot, other, frame)[1]
    for other in (
        None,
        sign(secret, sub="bob", groups=["guests"]),
        sign(secret, groups=["guests"]),  # they have left the group that it was said to
    ):
        frame = {"type": "feedback", "message_id": str(message.pk), "feedback": "positive"}
        assert "not_found" in say(bot, other, frame)[1]
    again = sign(secret, jti="another")
    told = say(bot, again, {"type": "resume", "request_id": "r1"})[1]
    assert "not_found" not in told, "it is theirs, though its events may be gone"


def test_the_secret_is_made_shown_once_and_forgotten(bot, as_acme, as_bob):
    path = f"/v1/bot-profiles/{bot.pk}/identity-secret"
    with tenant_context(None):
        assert as_acme.get(path).json() == {"has_secret": False, "previous_until": None}
        made = as_acme.post(path, {"overlap_seconds": 60}, content_type="application/json")
        assert made.status_code == 201 and made.json()["previous_until"] is None
        secret = made.json()["secret"]
        assert as_bob.post(path, {}, content_type="application/json").status_code == 403
        shown = as_acme.get(path)
        assert shown.json()["has_secret"] and secret not in shown.content.decode()
    assert "4711" in say(bot, sign(secret))[1]
    with tenant_context(None):
        again = as_acme.post(path, {"overlap_seconds": 60}, content_type="application/json").json()
        assert again["secret"] != secret and again["previous_until"]
        assert as_acme.delete(path).status_code == as_acme.delete(path).status_code == 204
        told = as_acme.get("/v1/audit-events").content.decode()
    assert "bot.identity_secret_made" in told and "bot.identity_secret_forgotten" in told
    assert secret not in told and open_session(bot, identity=sign(secret)).status_code == 401
    bot.refresh_from_db()
    assert secret not in json.dumps(bot.encrypted_identity_secret)


def test_secrets_are_put_under_the_newest_key(bot, secret, settings):
    bot.refresh_from_db()
    assert bot.reseal() == {}
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert set(bot.reseal()) == {"encrypted_identity_secret"}
    assert BotProfile.sealed_rows().get().pk == bot.pk
