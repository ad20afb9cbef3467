"""The commands on the pages of docs/, run as they are: page after page, each for a new tenant with a bot.

A page's blocks share one shell. They find `$MINIRAG` (the server), `$TOKEN` (an owner's API token), `$BOT` (a bot that
knows one text), `$SOURCE` (that text), `$CHAT` and `$MESSAGE` (an answered question) and, where a page uses it,
`$OPERATOR_TOKEN`. An answer of 4xx or 5xx fails the page, unless it says `|| true` itself.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.product import CHECKOUT, Product

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    page.stem
    for page in (CHECKOUT / "docs").glob("*.md")
    if any("$MINIRAG" in block for block in BLOCK.findall(page.read_text()))
)
SHELL = """set -euo pipefail
export PATH={bin}:$PATH
curl() {{ command curl --no-progress-meter --fail-with-body "$@"; }}
export -f curl
"""


def read_blocks(page: str) -> list[str]:
    return BLOCK.findall((CHECKOUT / "docs" / f"{page}.md").read_text())


@pytest.fixture(scope="module")
def operator_token(product: Product) -> str:
    email = "operator@example.com"
    product.manage("bootstrap", "--email", email, "--password", "correct horse battery")
    token = product.manage("create_operator_token", "--email", email).splitlines()[0]
    # Whom the pages speak of, in whatever order they are run.
    tenant = {
        "slug": "initech", "name": "Initech", "owner_email": "owner@initech.example.com",
        "owner_password": "correct horse battery",
    }  # fmt: skip
    there = httpx.post(
        f"{product.base_url}/v1/platform/tenants",
        json=tenant,
        headers={"Authorization": f"Bearer {token}"},
        timeout=120,
    )
    assert there.status_code in (200, 201), there.text
    return token


def make_variables(product: Product, page: str) -> dict[str, str]:
    account = product.sign_up(f"page-{page.replace('_', '-')}")
    bot = product.make_bot(account)
    source = product.teach_text(
        account, bot, "The warehouse is open from 9 to 17. Returns are free for 30 days."
    )
    question = {"bot_profile_id": bot, "message": "When is the warehouse open?"}
    answer = account.client.post("/v1/chat", json=question).json()
    return {
        "MINIRAG": product.base_url, "TOKEN": account.token, "BOT": bot, "SOURCE": source, "CHAT": answer["chat_id"],
        "MESSAGE": answer["message"]["id"],
    }  # fmt: skip


def test_there_are_pages_with_commands():
    assert {"people", "platform"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work_as_they_stand(
    product: Product, tmp_path: Path, page: str, request: pytest.FixtureRequest
):
    (tmp_path / "manage.py").symlink_to(CHECKOUT / "manage.py")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    commands = "\n".join(read_blocks(page))
    variables = make_variables(product, page)
    if "$OPERATOR_TOKEN" in commands:
        variables["OPERATOR_TOKEN"] = request.getfixturevalue("operator_token")
    done = subprocess.run(
        ["bash", "-c", SHELL.format(bin=Path(sys.executable).parent) + commands],
        env={**product.environment, **variables},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
