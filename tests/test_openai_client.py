"""OpenAI's own client against a running product: it must not notice the difference."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from openai import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    UnprocessableEntityError,
)

from tests.product import CHECKOUT, Product, TenantAccount

pytestmark = pytest.mark.product
ASKED = [{"role": "user", "content": "When is the warehouse open?"}]


@pytest.fixture(scope="module")
def warehouse(product: Product, acme_account: TenantAccount) -> str:
    bot = product.make_bot(acme_account, name="Warehouse")
    product.teach_text(
        acme_account, bot, "The warehouse is open from 9 to 17 on every working day."
    )
    return bot


@pytest.fixture
def client(product: Product, acme_account: TenantAccount) -> OpenAI:
    return OpenAI(base_url=f"{product.base_url}/v1", api_key=acme_account.token, max_retries=0)


def test_the_pages_program_runs_as_it_stands(product, acme_account, warehouse, tmp_path: Path):
    page = (CHECKOUT / "docs" / "openai.md").read_text()
    program = "\n".join(re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    environment = {**product.environment, "MINIRAG": product.base_url, "TOKEN": acme_account.token}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("from 9 to 17") == 4 and "tokens:" in done.stdout
    assert "404 model_not_found" in done.stdout


def test_an_answer_has_text_usage_and_citations(client, warehouse):
    answer = client.chat.completions.create(model=warehouse, messages=ASKED, temperature=0)
    choice = answer.choices[0]
    assert "from 9 to 17" in choice.message.content and choice.finish_reason == "stop"
    assert answer.usage.total_tokens > 0 and answer.ignored == ["temperature"]
    assert choice.message.citations[0]["number"] == 1 and choice.message.refusal is None


def test_a_stream_gives_the_same_piece_by_piece(client, warehouse):
    chunks = list(
        client.chat.completions.create(
            model="Warehouse", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "from 9 to 17" in said and chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].usage.total_tokens > 0 and not chunks[-1].choices
    last = chunks[-2]
    assert (
        last.choices[0].finish_reason == "stop"
        and last.choices[0].delta.citations[0]["number"] == 1
    )


def test_a_chat_goes_on_by_its_id(client, warehouse):
    first = client.chat.completions.create(model=warehouse, messages=ASKED, user="customer-1")
    again = client.chat.completions.create(
        model=warehouse, messages=ASKED, user="customer-1", metadata={"chat_id": first.chat_id}
    )
    assert again.chat_id == first.chat_id and again.message_id != first.message_id


def test_models_are_listed_and_found(client, warehouse):
    assert warehouse in [model.id for model in client.models.list()]
    assert client.models.retrieve(warehouse).owned_by == "acme"


def test_errors_are_those_that_the_client_knows(client, product, globex_account, warehouse):
    with pytest.raises(NotFoundError) as missing:
        client.chat.completions.create(model=product.make_bot(globex_account), messages=ASKED)
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(BadRequestError) as refused:
        client.chat.completions.create(
            model=warehouse, messages=[*ASKED, {"role": "assistant", "content": "9"}]
        )
    assert (refused.value.code, refused.value.param) == ("last_message_not_user", "messages.1.role")
    with pytest.raises(UnprocessableEntityError) as invalid:
        client.chat.completions.create(model=warehouse, messages=ASKED, n=2, stream=True)
    assert invalid.value.param == "n"
    with pytest.raises(AuthenticationError):
        client.with_options(api_key="x" * 43).models.list()


def test_a_response_streams_typed_events_and_is_gone_on_from(client, warehouse):
    with client.responses.stream(model=warehouse, input="When is the warehouse open?") as events:
        said = "".join(each.delta for each in events if each.type == "response.output_text.delta")
        first = events.get_final_response()
    assert "from 9 to 17" in said and first.output_text == said and first.status == "completed"
    assert first.output[0].content[0].annotations[0].type == "file_citation"
    assert first.usage.total_tokens > 0
    second = client.responses.create(
        model=warehouse, input="Is it open at 10?", previous_response_id=first.id
    )
    assert second.chat_id == first.chat_id
    with pytest.raises(NotFoundError) as missing:
        client.responses.create(model=warehouse, input="Hm?", previous_response_id="resp_x")
    assert missing.value.code == "previous_response_not_found"


def test_embeddings_come_packed_or_plain(client, warehouse):
    model = next(each.id for each in client.models.list() if each.kind == "embedding")
    packed = client.embeddings.create(model=model, input=["open", "closed"])
    plain = client.embeddings.create(
        model=warehouse, input=["open", "closed"], encoding_format="float"
    )
    assert packed.model == plain.model == model and packed.usage.total_tokens > 0
    for one, other in zip(packed.data, plain.data, strict=True):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-6)
    with pytest.raises(BadRequestError) as refused:
        client.embeddings.create(model=model, input=[1, 2, 3])
    assert refused.value.code == "input_tokens_unsupported"
