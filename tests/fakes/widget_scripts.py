"""The answers of the fake widget server, chosen by the first word of a question, see `SCRIPTS`."""

from __future__ import annotations

import uuid
from typing import Any

from tests.fakes.widget_talk import ANSWER, CITATIONS, Script, Talk

REFUSAL = "I could not find an answer to that in the documents I have."


async def _answer_plainly(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.stream(ANSWER)
    await talk.done()


async def _hold(talk: Talk, frame: dict[str, Any]) -> None:
    talk.server._gate.clear()
    await talk.stream(ANSWER[:84])
    await talk.server._gate.wait()
    await talk.done()


async def _say_nothing(talk: Talk, frame: dict[str, Any]) -> None:
    """Neither a word nor, where it is stopped, an end before `release()`."""
    talk.is_slow = True
    talk.server._gate.clear()
    await talk.server._gate.wait()


async def _say_nothing_at_first(talk: Talk, frame: dict[str, Any]) -> None:
    if talk.server.failures_left:
        talk.server.failures_left -= 1
        await _say_nothing(talk, frame)
    talk.is_slow = False
    await _answer_plainly(talk, frame)


async def _refuse(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="sources", sources=[])
    await talk.stream(REFUSAL)
    await talk.done(REFUSAL, [], {"reason": "weak_retrieval", "score": 0.2, "threshold": 0.5})


NO_HELP: dict[str, Any] = {
    "language": "en", "choices": [], "passages_label": "", "passages": [], "questions_label": "", "questions": [],
    "contact_label": "", "contact": "",
}  # fmt: skip
_NEAR = {"chunk_id": "c", "source_id": "s", "page": None, "content": "A parcel costs 9 euros."}
HELP = NO_HELP | {
    "passages_label": "You may mean:",
    "passages": [
        {**_NEAR, "title": "Delivery", "heading": "What it costs", "url": "https://acme.example/delivery"},
        {**_NEAR, "title": "<img src=x onerror=alert(1)>", "heading": "", "url": "javascript:alert(1)"},
        {**_NEAR, "title": "سياسة الإرجاع", "heading": "سياسة الإرجاع", "url": ""},
    ],
    "questions_label": "You can ask me, for example:",
    "questions": ["plain What does delivery to Norway cost?", "plain " + "long " * 20],
    "contact_label": "You can also get help here: help@acme.example",
    "contact": "help@acme.example",
}  # fmt: skip
NEXT = NO_HELP | {
    "questions_label": "You can also ask me:",
    "questions": ["plain How often do I calibrate?", "plain <img src=x onerror=alert(1)>"],
}


async def _offer_more(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.stream(ANSWER)
    await talk.done(help=NEXT)


CHOICES = [
    "plain Delivery: What it costs",
    "plain Sending something back: Your money",
    "plain إرجاع",
]


async def _help(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="sources", sources=[])
    await talk.stream(REFUSAL)
    refusal = {"reason": "not_answered", "score": 0.5, "threshold": 0.2}
    await talk.done(REFUSAL, [], refusal, help=HELP)


async def _ask_back(talk: Talk, frame: dict[str, Any]) -> None:
    asked = "Which of these do you mean?\n\n" + "\n".join(f"- {each}" for each in CHOICES)
    await talk.tell(type="sources", sources=[])
    await talk.stream(asked)
    await talk.done(asked, [], help=NO_HELP | {"choices": CHOICES})


async def _cut(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.stream(ANSWER[:84])
    await talk.done(ANSWER[:84], CITATIONS[:1], cut_reason="length")


async def _filter(talk: Talk, frame: dict[str, Any]) -> None:
    text = "I cannot answer that question."
    await talk.stream(text)
    await talk.done(text, [], {"reason": "content_filter", "score": 0.7, "threshold": 0.5})


async def _fail_once(talk: Talk, frame: dict[str, Any]) -> None:
    if talk.server.failures_left:
        talk.server.failures_left -= 1
        detail = "The model provider is not available at the moment."
        await talk.tell(type="error", detail=detail, code="provider_unavailable", retryable=True)
    else:
        await _answer_plainly(talk, frame)


async def _fail_for_good(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.stream("Push filter")
    detail = "The model provider rejected its credentials."
    await talk.tell(type="error", detail=detail, code="provider_authentication", retryable=False)


async def _use_up(talk: Talk, frame: dict[str, Any]) -> None:
    detail = "The budget for this month is used up. It starts anew on 2026-12-01."
    await talk.tell(type="error", detail=detail, code="budget_exceeded", retryable=False)


async def _expire(talk: Talk, frame: dict[str, Any]) -> None:
    if talk.token in talk.server.expired or len(talk.server.expired) == 0:
        talk.server.expired.add(talk.token)
        talk.server.chats[talk.chat_id or ""].pop()
        await talk.tell(
            type="error", detail="The session has expired.", code="session_expired", retryable=True
        )
    else:
        await _answer_plainly(talk, frame)


async def _drop(talk: Talk, frame: dict[str, Any]) -> None:
    """The process dies."""
    talk.server.broken[frame["request_id"]] = _tell_of_death
    await talk.stream(ANSWER[:40])
    await talk.socket.close()


async def _tell_of_death(talk: Talk, frame: dict[str, Any]) -> None:
    detail = "The answer was interrupted. Please ask again."
    await talk.tell(type="error", detail=detail, code="interrupted", retryable=True)


async def _know_nothing(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="error", detail="Turn not found", code="not_found", retryable=False)


async def _forget(talk: Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="error", detail="Not kept any longer.", code="gone", retryable=False)


async def _break(talk: Talk, frame: dict[str, Any]) -> None:
    """The socket breaks; the turn goes on, and its rest is told over the next one."""
    talk.server.broken[frame["request_id"]] = _go_on
    talk.server.chat_of[frame["request_id"]] = talk.chat_id
    await talk.tell(type="sources", sources=CITATIONS, number=1, chat_id=talk.chat_id)
    await talk.tell(type="delta", content=ANSWER[:40], number=2)
    await talk.server._gate.wait()
    await talk.socket.close(code=4503)


async def _go_on(talk: Talk, frame: dict[str, Any]) -> None:
    talk.chat_id = talk.server.chat_of[frame["request_id"]]
    told = [
        {"type": "sources", "sources": CITATIONS},
        {"type": "delta", "content": ANSWER[:40]},
        {"type": "delta", "content": ANSWER[40:]},
    ]
    # One more than was asked for: who has heard it must not show it twice.
    for number, event in enumerate(told, start=1):
        if number >= frame["after"]:
            await talk.tell(**event, number=number)
    await talk.done()


async def _swallow(talk: Talk, frame: dict[str, Any]) -> None:
    """The socket breaks before the question was stored; it is answered when it comes again."""
    if talk.server.swallowed:
        await _answer_plainly(talk, frame)
    else:
        talk.server.swallowed.append(frame["request_id"])
        talk.server.chats[talk.chat_id or ""].pop()
        await talk.socket.close()


async def _move(talk: Talk, frame: dict[str, Any]) -> None:
    """The process is being stopped; the next one answers."""
    if talk.server.swallowed:
        await _answer_plainly(talk, frame)
    else:
        talk.server.swallowed.append(frame["request_id"])
        talk.server.chats[talk.chat_id or ""].pop()
        detail = "The server is being restarted. Please try again in a moment."
        await talk.tell(type="error", detail=detail, code="server_stopping", retryable=True)
        await talk.socket.close(code=4503)


async def _finish_behind(talk: Talk, frame: dict[str, Any]) -> None:
    """The socket breaks, and the server finishes the turn without it, long ago."""
    talk.server.broken[frame["request_id"]] = _forget
    await talk.stream(ANSWER[:40])
    stored = {
        "id": str(uuid.uuid4()),
        "role": "assistant",
        "content": ANSWER,
        "citations": CITATIONS,
    }
    talk.server.chats[talk.chat_id or ""].append(stored)
    await talk.tell(type="sources", sources=CITATIONS, chat_id=talk.chat_id)
    await talk.socket.close()


async def _right_to_left(talk: Talk, frame: dict[str, Any]) -> None:
    text = "ضع غطاء المرشح **AC-F02** على مدخل الهواء وانتظر عشر دقائق [1]."
    await talk.stream(text)
    await talk.done(text, CITATIONS[:1])


async def _echo(talk: Talk, frame: dict[str, Any]) -> None:
    """Answer with what was said after the first word."""
    text = frame["message"].partition(" ")[2]
    await talk.stream(text)
    await talk.done(text)


SCRIPTS: dict[str, Script] = {
    "echo": _echo,
    "plain": _answer_plainly,
    "unknown": _know_nothing,
    "hold": _hold,
    "more": _offer_more,
    "silent": _say_nothing,
    "late": _say_nothing_at_first,
    "refuse": _refuse,
    "help": _help,
    "vague": _ask_back,
    "cut": _cut,
    "filtered": _filter,
    "error": _fail_once,
    "fatal": _fail_for_good,
    "spent": _use_up,
    "expire": _expire,
    "drop": _drop,
    "behind": _finish_behind,
    "break": _break,
    "swallow": _swallow,
    "move": _move,
    "arabic": _right_to_left,
}
