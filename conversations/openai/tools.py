"""OpenAI's tools and forms of an answer: what a client offers the bot's model, and what that has called."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from bots.models import BotProfile
from conversations.openai.finding import NotAnswerable
from minirag.ai.builtin.local import is_local
from minirag.ai.tooling import Tooling

LARGEST_TOOLS: Final = 200_000
LARGEST_RESULTS: Final = 400_000


def read_tooling(offered: Tooling) -> Tooling | None:
    """Return what the client lets the model do; None where that is nothing. Raises NotAnswerable (400)."""
    tools, exchange = offered.tools, offered.exchange
    tooling = replace(offered, tools=() if offered.choice == "none" else tools)
    if len(json.dumps([*tools, tooling.response_format])) > LARGEST_TOOLS:
        raise NotAnswerable(
            "There is too much in the tools.", code="tools_too_large", param="tools"
        )
    if len(json.dumps(exchange)) > LARGEST_RESULTS:
        raise NotAnswerable(
            "The results are too long.", code="tool_results_too_large", param="messages"
        )
    return tooling if tooling.says_anything else None


def require_tools(bot: BotProfile, tooling: Tooling | None) -> None:
    """Raise NotAnswerable (`tools_unsupported`) for a bot whose model is ours: it quotes, and calls nothing."""
    if tooling is not None and is_local(bot.model):
        is_of_form = tooling.is_formatted and not tooling.tools
        raise NotAnswerable(
            "This bot's model quotes its sources: it can neither call functions nor write JSON.",
            code="tools_unsupported", param="response_format" if is_of_form else "tools",
        )  # fmt: skip
