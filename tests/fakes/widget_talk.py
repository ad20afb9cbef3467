"""What a widget says over one socket to the fake server, and how it is answered; the answers are scripts."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from tests.fakes.widget_server import FakeWidgetServer

Script = Callable[["Talk", dict[str, Any]], Awaitable[None]]
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


class Talk:
    """One socket of the widget, and the answers that it is given."""

    def __init__(
        self, server: FakeWidgetServer, socket: web.WebSocketResponse, scripts: Mapping[str, Script]
    ) -> None:
        self.server, self.socket, self.scripts = server, socket, scripts
        self.token = ""
        self.chat_id: str | None = None
        self.request_id: str | None = None
        self.answering: asyncio.Task[None] | None = None
        self.is_stopping = self.is_slow = False
        self.stopped = asyncio.Event()

    async def take(self, frame: dict[str, Any]) -> None:
        self.server.frames.append(frame)
        kind = frame["type"]
        if kind == "authenticate":
            self.token = frame["session_token"]
            number = int(self.token.removeprefix("token-"))
            self.chat_id = self.server.sessions[number - 1]["chat_id"]
            await self.send(type="authenticated", chat_id=self.chat_id)
        elif kind == "question" and self.answering and not self.answering.done():
            told = {"code": "busy", "retryable": False, "detail": "An answer is being written."}
            await self.send(type="error", request_id=frame["request_id"], **told)
        elif kind == "question":
            self.answering = asyncio.create_task(self.answer(frame))
        elif kind == "resume":
            self.request_id = frame["request_id"]
            script = self.server.broken.get(frame["request_id"], self.scripts["unknown"])
            self.answering = asyncio.create_task(script(self, frame))
        elif kind == "feedback" and self.server.refuses_feedback:
            told = {"code": self.server.refuses_feedback.pop(0), "retryable": True, "detail": "No."}
            await self.send(type="error", request_id=frame["request_id"], **told)
        elif kind == "feedback":
            self.server.feedback.append(frame)
            await self.send(
                type="feedback_saved", message_id=frame["message_id"], feedback=frame["feedback"]
            )
        elif kind == "chats":
            own = [
                {
                    "id": key,
                    "title": said[0]["content"],
                    "message_count": len(said),
                    "updated_at": "2026-11-21T03:35:21.7",
                }
                for key, said in self.server.chats.items()
            ]
            await self.send(type="chats", request_id=frame["request_id"], chats=own)
        elif kind == "forget_chat":
            del self.server.chats[frame["chat_id"]]
            told = {name: frame[name] for name in ("request_id", "chat_id")}
            await self.send(type="chat_forgotten", **told)
        elif kind == "reset":
            self.chat_id = None
        elif kind == "stop" and self.answering and not self.answering.done():
            self.is_stopping = True
            self.answering.cancel()
            if self.is_slow:
                await self.server._gate.wait()
            await self.done(content="Push filter cap", citations=[], stopped=True)
            self.stopped.set()

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
        known = [each for each in stored if each.get("request_id") == frame["request_id"]]
        for each in known:  # a retry takes the place of what it retries
            stored.remove(each)
        stored.append(
            {"id": str(uuid.uuid4()), "role": "user", "content": frame["message"], "citations": [],
             "request_id": frame["request_id"], "outcome": "pending"}
        )  # fmt: skip
        first = frame["message"].split()[0].lower()
        script = self.scripts.get(first, self.scripts["plain"])
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
        stopped: bool = False,
    ) -> None:
        outcome = "stopped" if stopped else "answered"
        for each in self.server.chats.get(self.chat_id or "", []):
            if each.get("request_id") == self.request_id:
                each["outcome"] = outcome
        message_id = str(uuid.uuid4())
        stored = {
            "id": message_id,
            "role": "assistant",
            "content": content,
            "citations": citations,
            "refusal": refusal,
            "cut_reason": cut_reason,
            "help": help,
            "outcome": outcome,
            "request_id": self.request_id,
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
            **({"stopped": True} if stopped else {}),
        )
