"""OpenAI's embeddings on the wire."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from conversations.openai.finding import NotAnswerable
from minirag.lib.http_in.nouns import Noun
from minirag.lib.http_in.rest import Body

if TYPE_CHECKING:
    import numpy as np

MOST_INPUTS = 256
LONGEST_INPUT = 32_000
MOST_CHARACTERS = 1_000_000


class NewEmbeddings(Body):
    """A request as OpenAI's clients write it."""

    model: Annotated[
        str,
        Field(
            min_length=1, max_length=255,
            description="An embedding model of `GET /v1/models`; or a bot's id or unique name, for that bot's.",
        ),
    ]  # fmt: skip
    input: Annotated[
        str | list[Any],
        Field(
            description=f"A text, or up to {MOST_INPUTS} of them, of up to {LONGEST_INPUT} characters each and "
            f"{MOST_CHARACTERS} together. No lists of tokens: each model has others.",
            examples=["When are you open?"],
        ),
    ]
    encoding_format: Annotated[
        Literal["float", "base64"],
        Field(description="`base64`: the numbers as little-endian 32-bit floats."),
    ] = "float"
    dimensions: Annotated[
        int | None,
        Field(ge=1, le=65_536, description="Fewer than the model has, where it is made for that."),
    ] = None
    input_type: Annotated[
        Literal["document", "query"],
        Field(description="Ours: some models embed questions and what is searched differently."),
    ] = "document"

    @property
    def texts(self) -> list[str]:
        """What is to be embedded. Raises NotAnswerable (400)."""
        given = [self.input] if isinstance(self.input, str) else self.input
        if not 1 <= len(given) <= MOST_INPUTS:
            raise _refuse(f"There may be 1 to {MOST_INPUTS} texts.", code="input_count")
        if any(isinstance(each, int | list) for each in given):
            raise _refuse(
                "Tokens cannot be read here, since each model has others: send the text.",
                code="input_tokens_unsupported",
            )
        if not all(isinstance(each, str) and 1 <= len(each) <= LONGEST_INPUT for each in given):
            raise _refuse(
                f"Each text must have 1 to {LONGEST_INPUT} characters.", code="input_length"
            )
        if sum(map(len, given)) > MOST_CHARACTERS:
            raise _refuse(
                f"The texts may have {MOST_CHARACTERS} characters together.", code="input_length"
            )
        return given


def _refuse(detail: str, *, code: str) -> NotAnswerable:
    return NotAnswerable(detail, code=code, param="input")


class EmbeddingSchema(Noun):
    object: Literal["embedding"]
    index: int
    embedding: Annotated[
        list[float] | str, Field(description="Of length 1; a string where `base64` was asked for.")
    ]


class EmbeddingUsageSchema(Noun):
    prompt_tokens: int
    total_tokens: int


class EmbeddingListSchema(Noun):
    object: Literal["list"]
    data: list[EmbeddingSchema]
    model: Annotated[str, Field(examples=["minirag/minilm"])]
    usage: EmbeddingUsageSchema


def write_vectors(rows: Sequence[np.ndarray], model: str, tokens: int, *, in_base64: bool) -> bytes:
    """Return the whole answer in JSON. By hand: to check each number of a thousand vectors would take a second."""
    data = [
        {
            "object": "embedding", "index": index,
            "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode()
            if in_base64
            else [float(f"{value:.9g}") for value in row.tolist()],
        }
        for index, row in enumerate(rows)
    ]  # fmt: skip
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps(
        {"object": "list", "data": data, "model": model, "usage": usage}, separators=(",", ":")
    ).encode()
