"""A server that speaks the widget's protocol with scripted answers, for tests of widget.js alone.

The first word of a question chooses the script, see `SCRIPTS`. `hold` waits in the middle of its answer until the
test calls `release()`. `sessions`, `frames` and `feedback` show what the widget sent. A chat is whose identity began
it, and that of `slow_identity` waits for its session until `release()`.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

STATIC = Path(__file__).resolve().parents[2] / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws:; img-src data:"
)
BOT_ID = "7d2f3c1e-52a4-4f0b-9a51-3f2c8a1b6d00"
ANSWER = (
    "Push filter cap **AC-F02** onto the *air inlet* and wait `10 minutes` [1].\n\n"
    "1. Choose Calibration\n2. Remove the cap afterwards [2]\n\nMore on https://docs.example/breva."
)
CITATIONS = [
    {
        "number": 1,
        "chunk_id": "c1",
        "source_id": "s1",
        "title": "Product handbook › 5.5 Zero calibration",
        "url": "https://docs.example/handbook",
        "page": 12,
        "content": "Push filter cap AC-F02 onto the air inlet until it seats, and wait 10 minutes.",
    },
    {
        "number": 2,
        "chunk_id": "c2",
        "source_id": "s2",
        "title": "<img src=x onerror=alert(1)>",
        "url": "javascript:alert(1)",
        "page": None,
        "content": "A forgotten cap shows PM2.5 of 0.0 µg/m³ and, after 24 hours, E23.",
    },
]
REFUSAL = "I could not find an answer to that in the documents I have."


class FakeWidgetServer:
    """Runs on a loopback port in a thread of its own. Pages are added with `add_page`."""

    def __init__(self) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []
        self.chats: dict[str, list[dict[str, Any]]] = {}
        self.owners: dict[str, str] = {}
        self.pages: dict[str, str] = {}
        self.expired: set[str] = set()
        self.session_failure: tuple[int, dict[str, Any]] | None = None
        self.slow_identity = ""
        self.failures_left = 0
        self.broken: dict[str, Callable[[_Talk, dict[str, Any]], Awaitable[None]]] = {}
        self.chat_of: dict[str, str | None] = {}
        self.swallowed: list[str] = []
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add_page(self, path: str, html: str) -> str:
        self.pages[path] = html
        return self.url + path

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/widget/sessions", self._make_session)
        app.router.add_get("/ws/chat/", self._chat)
        app.router.add_static("/static/", STATIC)
        app.router.add_get("/{page:.*}", self._page)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _page(self, request: web.Request) -> web.Response:
        if request.path not in self.pages:
            return web.Response(status=404)
        headers = {"Content-Security-Policy": CSP}
        return web.Response(
            text=self.pages[request.path], content_type="text/html", headers=headers
        )

    async def _make_session(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.sessions.append(asked | {"origin": request.headers.get("Origin")})
        if self.session_failure:
            status, body = self.session_failure
            return web.json_response(body, status=status)
        number, identity = len(self.sessions), asked.get("identity", "")
        if identity and identity == self.slow_identity:
            await self._gate.wait()
        if self.owners.get(asked["chat_id"], identity) != identity:
            asked["chat_id"] = self.sessions[number - 1]["chat_id"] = None
        chat_id = asked["chat_id"] if asked["chat_id"] in self.chats else None
        bot = {
            "name": "Breva Assistant",
            "greeting": "",
            "starter_questions": ["plain How do I calibrate?", "refuse"],
        }
        session = {
            "session_token": f"token-{number}",
            "expires_at": "2026-11-21T12:00:00",
            "bot": bot,
            "chat_id": chat_id,
            "messages": self.chats.get(chat_id or "", []),
        }
        return web.json_response(session, status=201)

    async def _chat(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        talk = _Talk(self, socket, dict(request.query))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await talk.take(message.json())
        talk.cancel()
        return socket


class _Talk:
    def __init__(
        self, server: FakeWidgetServer, socket: web.WebSocketResponse, query: dict[str, str]
    ) -> None:
        assert not query, "nothing may stand in the socket's URL"
        self.server, self.socket = server, socket
        self.token = ""
        self.chat_id: str | None = None
        self.request_id: str | None = None
        self.answering: asyncio.Task[None] | None = None

    async def take(self, frame: dict[str, Any]) -> None:
        self.server.frames.append(frame)
        kind = frame["type"]
        if kind == "authenticate":
            self.token = frame["session_token"]
            number = int(self.token.removeprefix("token-"))
            self.chat_id = self.server.sessions[number - 1]["chat_id"]
            await self.send(type="authenticated", chat_id=self.chat_id)
        elif kind == "question":
            self.answering = asyncio.create_task(self.answer(frame))
        elif kind == "resume":
            self.request_id = frame["request_id"]
            script = self.server.broken.get(frame["request_id"], _know_nothing)
            self.answering = asyncio.create_task(script(self, frame))
        elif kind == "feedback":
            self.server.feedback.append(frame)
            await self.send(
                type="feedback_saved", message_id=frame["message_id"], feedback=frame["feedback"]
            )
        elif kind == "reset":
            self.chat_id = None
        elif kind == "stop" and self.answering and not self.answering.done():
            self.answering.cancel()
            await self.done(content="Push filter cap", citations=[])

    def cancel(self) -> None:
        if self.answering:
            self.answering.cancel()

    async def send(self, **event: Any) -> None:
        await self.socket.send_json(event)

    async def tell(self, **event: Any) -> None:
        """An event of the running turn."""
        await self.send(request_id=self.request_id, **event)

    async def answer(self, frame: dict[str, Any]) -> None:
        self.request_id = frame["request_id"]
        self.chat_id = self.chat_id or str(uuid.uuid4())
        stored = self.server.chats.setdefault(self.chat_id, [])
        session = self.server.sessions[int(self.token.removeprefix("token-")) - 1]
        self.server.owners[self.chat_id] = session.get("identity", "")
        stored.append(
            {"id": str(uuid.uuid4()), "role": "user", "content": frame["message"], "citations": []}
        )
        script = SCRIPTS.get(frame["message"].split()[0].lower(), _answer_plainly)
        await script(self, frame)

    async def stream(self, text: str, delay: float = 0.01) -> None:
        await self.tell(type="sources", sources=CITATIONS)
        for start in range(0, len(text), 12):
            await self.tell(type="delta", content=text[start : start + 12])
            await asyncio.sleep(delay)

    async def done(
        self,
        content: str = ANSWER,
        citations: list[Any] = CITATIONS,
        refusal: Any = None,
        cut_reason: str | None = None,
        help: dict[str, Any] | None = None,
    ) -> None:
        message_id = str(uuid.uuid4())
        stored = {
            "id": message_id,
            "role": "assistant",
            "content": content,
            "citations": citations,
            "refusal": refusal,
            "cut_reason": cut_reason,
            "help": help,
        }
        self.server.chats.setdefault(self.chat_id or "", []).append(stored)
        await self.tell(
            type="done",
            chat_id=self.chat_id,
            message_id=message_id,
            usage={"total_tokens": 42},
            refusal=refusal,
            cut_reason=cut_reason,
            help=help,
            citations=citations,
            content=content,
        )


async def _answer_plainly(talk: _Talk, frame: dict[str, Any]) -> None:
    await talk.stream(ANSWER)
    await talk.done()


async def _hold(talk: _Talk, frame: dict[str, Any]) -> None:
    talk.server._gate.clear()
    await talk.stream(ANSWER[:84])
    await talk.server._gate.wait()
    await talk.done()


async def _refuse(talk: _Talk, frame: dict[str, Any]) -> None:
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
CHOICES = [
    "plain Delivery: What it costs",
    "plain Sending something back: Your money",
    "plain إرجاع",
]


async def _help(talk: _Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="sources", sources=[])
    await talk.stream(REFUSAL)
    refusal = {"reason": "not_answered", "score": 0.5, "threshold": 0.2}
    await talk.done(REFUSAL, [], refusal, help=HELP)


async def _ask_back(talk: _Talk, frame: dict[str, Any]) -> None:
    asked = "Which of these do you mean?\n\n" + "\n".join(f"- {each}" for each in CHOICES)
    await talk.tell(type="sources", sources=[])
    await talk.stream(asked)
    await talk.done(asked, [], help=NO_HELP | {"choices": CHOICES})


async def _cut(talk: _Talk, frame: dict[str, Any]) -> None:
    await talk.stream(ANSWER[:84])
    await talk.done(ANSWER[:84], CITATIONS[:1], cut_reason="length")


async def _filter(talk: _Talk, frame: dict[str, Any]) -> None:
    text = "I cannot answer that question."
    await talk.stream(text)
    await talk.done(text, [], {"reason": "content_filter", "score": 0.7, "threshold": 0.5})


async def _fail_once(talk: _Talk, frame: dict[str, Any]) -> None:
    if talk.server.failures_left:
        talk.server.failures_left -= 1
        detail = "The model provider is not available at the moment."
        await talk.tell(type="error", detail=detail, code="provider_unavailable", retryable=True)
    else:
        await _answer_plainly(talk, frame)


async def _fail_for_good(talk: _Talk, frame: dict[str, Any]) -> None:
    await talk.stream("Push filter")
    detail = "The model provider rejected its credentials."
    await talk.tell(type="error", detail=detail, code="provider_authentication", retryable=False)


async def _use_up(talk: _Talk, frame: dict[str, Any]) -> None:
    detail = "The budget for this month is used up. It starts anew on 2026-12-01."
    await talk.tell(type="error", detail=detail, code="budget_exceeded", retryable=False)


async def _expire(talk: _Talk, frame: dict[str, Any]) -> None:
    if talk.token in talk.server.expired or len(talk.server.expired) == 0:
        talk.server.expired.add(talk.token)
        talk.server.chats[talk.chat_id or ""].pop()
        await talk.tell(
            type="error", detail="The session has expired.", code="session_expired", retryable=True
        )
    else:
        await _answer_plainly(talk, frame)


async def _drop(talk: _Talk, frame: dict[str, Any]) -> None:
    """The process dies."""
    talk.server.broken[frame["request_id"]] = _tell_of_death
    await talk.stream(ANSWER[:40])
    await talk.socket.close()


async def _tell_of_death(talk: _Talk, frame: dict[str, Any]) -> None:
    detail = "The answer was interrupted. Please ask again."
    await talk.tell(type="error", detail=detail, code="interrupted", retryable=True)


async def _know_nothing(talk: _Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="error", detail="Turn not found", code="not_found", retryable=False)


async def _forget(talk: _Talk, frame: dict[str, Any]) -> None:
    await talk.tell(type="error", detail="Not kept any longer.", code="gone", retryable=False)


async def _break(talk: _Talk, frame: dict[str, Any]) -> None:
    """The socket breaks; the turn goes on, and its rest is told over the next one."""
    talk.server.broken[frame["request_id"]] = _go_on
    talk.server.chat_of[frame["request_id"]] = talk.chat_id
    await talk.tell(type="sources", sources=CITATIONS, number=1, chat_id=talk.chat_id)
    await talk.tell(type="delta", content=ANSWER[:40], number=2)
    await talk.server._gate.wait()
    await talk.socket.close(code=4503)


async def _go_on(talk: _Talk, frame: dict[str, Any]) -> None:
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


async def _swallow(talk: _Talk, frame: dict[str, Any]) -> None:
    """The socket breaks before the question was stored; it is answered when it comes again."""
    if talk.server.swallowed:
        await _answer_plainly(talk, frame)
    else:
        talk.server.swallowed.append(frame["request_id"])
        talk.server.chats[talk.chat_id or ""].pop()
        await talk.socket.close()


async def _move(talk: _Talk, frame: dict[str, Any]) -> None:
    """The process is being stopped; the next one answers."""
    if talk.server.swallowed:
        await _answer_plainly(talk, frame)
    else:
        talk.server.swallowed.append(frame["request_id"])
        talk.server.chats[talk.chat_id or ""].pop()
        detail = "The server is being restarted. Please try again in a moment."
        await talk.tell(type="error", detail=detail, code="server_stopping", retryable=True)
        await talk.socket.close(code=4503)


async def _finish_behind(talk: _Talk, frame: dict[str, Any]) -> None:
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


async def _right_to_left(talk: _Talk, frame: dict[str, Any]) -> None:
    text = "ضع غطاء المرشح **AC-F02** على مدخل الهواء وانتظر عشر دقائق [1]."
    await talk.stream(text)
    await talk.done(text, CITATIONS[:1])


SCRIPTS: dict[str, Callable[[_Talk, dict[str, Any]], Awaitable[None]]] = {
    "plain": _answer_plainly,
    "hold": _hold,
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
