"""The packages for JavaScript: they compile, pass their own tests, and the client talks to a running product."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.product import CHECKOUT, Product, TenantAccount

CLIENTS = CHECKOUT / "clients"
TSC = str(CLIENTS / "node_modules" / "typescript" / "bin" / "tsc")


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_both_compile_and_pass_their_own_tests():
    told = run("npm", "test", "--workspaces", cwd=CLIENTS)
    assert [int(count) for count in re.findall(r"(?:#|ℹ) pass (\d+)", told)] == [3, 13]


def test_the_lockfile_pins_every_package_and_names_no_registry():
    packages = json.loads((CLIENTS / "package-lock.json").read_text())["packages"]
    foreign = {name: each for name, each in packages.items() if name.startswith("node_modules/")}
    unpinned = [
        name for name, each in foreign.items() if not each.get("link") and "integrity" not in each
    ]
    assert unpinned == []
    assert "://" not in (CLIENTS / "package-lock.json").read_text()


@pytest.mark.product
def test_the_programs_of_its_page_run_as_they_stand(
    product: Product, acme_account: TenantAccount, tmp_path: Path
):
    package = tmp_path / "node_modules" / "@minirag" / "client"
    run("node", TSC, "-p", "typescript", "--outDir", str(package / "dist"), cwd=CLIENTS)
    shutil.copy(CLIENTS / "typescript" / "package.json", package)
    page = (CHECKOUT / "docs" / "client-typescript.md").read_text()
    program = "\n".join(re.findall(r"^```ts\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    for placeholder, real in (
        ("https://chat.example.com", product.base_url),
        ("YOUR_TOKEN", acme_account.token),
    ):
        assert placeholder in program
        program = program.replace(placeholder, real)
    (tmp_path / "program.ts").write_text(program)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    options = ["--module", "nodenext", "--target", "es2022", "--strict", "--skipLibCheck"]
    run("node", TSC, *options, "--lib", "es2022,dom,dom.iterable", "program.ts", cwd=tmp_path)
    told = run("node", "program.js", cwd=tmp_path)
    assert "from 9 to 17" in told and "Hours ready" in told and "404 not_found" in told
    assert "chat_id,chat_title," in told
