"""What a model outside says, with what was kept from it in its place again."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from conversations.turns.state import OpenTurn
from minirag.ai.chat import ChatRetracted
from minirag.ai.tooling import ToolCallPiece
from minirag.lib.masking.masker import Masker, Restorer

P = TypeVar("P")


class Restored:
    """Of one answer: its words, and the calls that it makes of functions, each of which comes bit by bit."""

    def __init__(self, turn: OpenTurn, masker: Masker) -> None:
        self._masker = masker
        self._in_json = turn.tooling is not None and turn.tooling.is_formatted
        self.words = Restorer(self._masker, in_json=self._in_json)
        self._calls: dict[int, Restorer] = {}

    def see(self, piece: P) -> P:
        """What is no word: an answer that begins anew, or a piece of a call."""
        if isinstance(piece, ChatRetracted):
            self.words, self._calls = Restorer(self._masker, in_json=self._in_json), {}
        elif isinstance(piece, ToolCallPiece):
            arguments = self._calls.setdefault(piece.index, Restorer(self._masker, in_json=True))
            return replace(piece, arguments=arguments.feed(piece.arguments))
        return piece
