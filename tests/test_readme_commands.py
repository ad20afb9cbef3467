"""The README's first calls, run as a stranger would: block after block, in one shell, against the running product."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.product import Product

pytestmark = pytest.mark.product

README = Path(__file__).resolve().parent.parent / "README.md"
Run = Callable[[str], str]


def read_first_calls() -> list[str]:
    section = README.read_text().partition("\n## First calls\n")[2].partition("\n## ")[0]
    return re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(product: Product, tmp_path: Path) -> Run:
    """Run a block in the shell that the blocks before it left behind; returns what it printed."""
    state = tmp_path / "state.sh"
    state.touch()

    def run_block(block: str) -> str:
        script = f"set -aeuo pipefail\n. {state}\n{block}\n{{ export -p; declare -f; }} > {state}\n"
        done = subprocess.run(
            ["bash", "-c", script],
            env={**product.environment, "BASE_URL": product.base_url},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run_block


def test_the_first_calls_work_as_they_stand(run: Run):
    blocks = read_first_calls()
    printed = [run(block) for block in blocks]
    said = dict(
        zip(
            ("bootstrap", "login", "teach", "ingest", "json", "sse", "origins"),
            printed,
            strict=True,
        )
    )

    assert json.loads(said["login"])["tenant"]["slug"] == "bikes"
    assert said["ingest"].splitlines()[-1].endswith("ready"), said["ingest"]
    answer = json.loads(said["json"])
    assert "from 9 to 17" in answer["message"]["content"]
    assert answer["refusal"] is None
    assert [citation["number"] for citation in answer["citations"]] == [1]
    events = re.findall(r"^event: (\w+)$", said["sse"], re.MULTILINE)
    assert events[0] == "sources" and events[-1] == "done" and "delta" in events
    assert "12 euros" in "".join(
        json.loads(line)["content"]
        for line in re.findall(r"^event: delta\ndata: (.+)$", said["sse"], re.MULTILINE)
    )
    assert json.loads(said["origins"])["allowed_origins"] == ["https://www.bikes.example.com"]


def test_a_call_that_fails_is_noticed(run: Run):
    with pytest.raises(AssertionError, match="token_invalid"):
        run('curl -sS --fail-with-body "$BASE_URL/v1/auth/me" -H "Authorization: Bearer nonsense"')
