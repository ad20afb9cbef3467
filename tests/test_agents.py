"""The official client of MCP against a running product, over real sockets, in the old and the new protocol."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

from tests.product import CHECKOUT, Product, TenantAccount

pytestmark = pytest.mark.product
QUESTION = "When is the warehouse open?"


@pytest.fixture(scope="module")
def warehouse(product: Product, acme_account: TenantAccount, globex_account: TenantAccount) -> str:
    bot = product.make_bot(acme_account, name="Depot")
    product.teach_text(
        acme_account, bot, "The warehouse is open from 9 to 17 on every working day.", "Hours"
    )
    other = product.make_bot(globex_account, name="Gardener")
    product.teach_text(globex_account, other, "Roses are pruned in March.", "Roses")
    return bot


@asynccontextmanager
async def connect(url: str, token: str, mode: str):
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        create_mcp_http_client(headers=headers) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("prefix", ["", "/t/acme"])
def test_the_official_client_asks_searches_and_reads(
    product, acme_account, warehouse, mode, prefix
):
    heard: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async def talk() -> None:
        url = f"{product.base_url}{prefix}/v1/mcp"
        async with connect(url, acme_account.token, mode) as client:
            tools = await client.list_tools()
            assert [each.name for each in tools.tools] == ["search", "ask", "list_sources"]
            answer = await client.call_tool(
                "ask", {"question": QUESTION, "bot": warehouse}, progress_callback=note
            )
            told = answer.structured_content
            assert "from 9 to 17" in told["answer"] and told["citations"][0]["number"] == 1
            found = await client.call_tool("search", {"query": QUESTION, "bot": warehouse})
            uri = found.structured_content["passages"][0]["uri"]
            read = await client.read_resource(uri)
            assert "from 9 to 17" in read.contents[0].text
            listed = await client.list_resources()
            assert uri in [str(each.uri) for each in listed.resources]
            refused = await client.call_tool("ask", {"question": QUESTION, "bot": "Nobody"})
            assert refused.is_error

    asyncio.run(talk())
    assert "from 9 to 17" in "".join(heard)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_another_tenant_sees_nothing_of_it(product, acme_account, globex_account, warehouse, mode):
    async def talk() -> None:
        url = f"{product.base_url}/v1/mcp"
        async with (
            connect(url, acme_account.token, mode) as acme,
            connect(url, globex_account.token, mode) as globex,
        ):
            ours = await acme.list_resources()
            theirs = await globex.list_resources()
            assert not {each.uri for each in ours.resources} & {
                each.uri for each in theirs.resources
            }
            assert "Roses" in str(theirs) and "Hours" not in str(theirs)
            with pytest.raises(MCPError):
                await globex.read_resource(str(ours.resources[0].uri))
            found = await globex.call_tool("search", {"query": QUESTION, "bot": "Gardener"})
            assert "9 to 17" not in str(found)
            asked = await globex.call_tool("ask", {"question": QUESTION, "bot": warehouse})
            assert asked.is_error

    asyncio.run(talk())
    wrong = f"{product.base_url}/t/globex/v1/mcp"
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Authorization": f"Bearer {acme_account.token}"}
    assert httpx.post(wrong, json=ping, headers=headers).status_code == 401


def test_the_pages_program_runs_as_it_stands(product, acme_account, warehouse, tmp_path: Path):
    page = (CHECKOUT / "docs" / "agents.md").read_text()
    [program] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    environment = {
        **os.environ, "MINIRAG": product.base_url, "TOKEN": acme_account.token, "BOT": warehouse,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from 9 to 17" in done.stdout and "Hours" in done.stdout
