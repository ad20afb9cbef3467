"""Take the pictures of README.md and of these pages: the demo in a scratch folder, driven in headless Chromium.

    .venv/bin/python docs/make_screenshots.py [folder, docs/images if not given]

Needs Chromium, and pngquant for small files.

Nothing of an installation that runs here is touched: servers, port and data are the script's own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHECKOUT = Path(__file__).resolve().parent.parent
FLAGS = [
    *(
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--hide-scrollbars",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
OWNER = "owner@acme.example.com"
ANSWERED = "How long is the warranty on a Breva Pro?"
REFUSED = "When are LCL containers closed in Hamburg?"  # only the other tenant's documents tell
Scheme = Literal["light", "dark"]
START_SECONDS, READY_SECONDS = 180, 120


@dataclass(frozen=True)
class Demo:
    """The running demo: where it is, and how acme's owner gets in."""

    base_url: str
    password: str
    api_token: str

    def get(self, path: str) -> list[dict[str, str]]:
        answer = httpx.get(
            f"{self.base_url}{path}",
            headers={"Authorization": f"Bearer {self.api_token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return list(answer.json())

    def put(self, path: str, body: dict[str, str]) -> None:
        authorization = {"Authorization": f"Bearer {self.api_token}"}
        answer = httpx.put(f"{self.base_url}{path}", json=body, headers=authorization, timeout=30)
        answer.raise_for_status()


@contextmanager
def run_demo(directory: Path) -> Iterator[Demo]:
    """Start `manage.py up` with its own servers below `directory`, and stop it afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "REDIS_URL")
    }
    command = [sys.executable, "manage.py", "up", "--port", str(port), "--data-dir", str(directory)]
    log = directory / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env={**environment, "DATA_DIR": str(directory)}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        wait_for(lambda: has_started(process, log), START_SECONDS, "The demo did not start", log)
        notes = json.loads((directory / "demo.json").read_text())[OWNER]
        demo = Demo(f"http://localhost:{port}", notes["password"], notes["api_token"])
        wait_for(
            lambda: all_ready(demo), READY_SECONDS, "The demo's documents were not ingested", log
        )
        yield demo
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def has_started(process: subprocess.Popen[bytes], log: Path) -> bool:
    if process.poll() is not None:
        raise SystemExit(f"The demo ended:\n{log.read_text(errors='replace')[-2000:]}")
    return "is ready on" in log.read_text(errors="replace")


def all_ready(demo: Demo) -> bool:
    sources = demo.get("/v1/sources")
    return bool(sources) and all(source["status"] == "ready" for source in sources)


def wait_for(is_done: Callable[[], bool], seconds: float, problem: str, log: Path) -> None:
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(
                f"{problem} within {seconds} s:\n{log.read_text(errors='replace')[-2000:]}"
            )
        time.sleep(0.2)


def open_page(browser: Browser, width: int, height: int, scheme: Scheme = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="en-GB",
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    return context.new_page()


def ask(page: Page, question: str) -> None:
    """Ask in the open widget and wait until the answer is complete."""
    answers = page.locator("minirag-widget .message.assistant")
    before = answers.count()
    page.locator("minirag-widget textarea").fill(question)
    page.keyboard.press("Enter")
    expect(answers).to_have_count(before + 1)
    expect(answers.last.locator(".thumbs")).to_be_visible()


def take_widget(browser: Browser, demo: Demo, folder: Path) -> None:
    """The demo page with a cited answer, its source opened, and one with a refusal."""
    page = open_page(browser, 1180, 720)
    page.goto(f"{demo.base_url}/t/acme/")
    page.get_by_role("button", name="Ask Ava").click()
    expect(page.locator("minirag-widget .message.assistant")).to_have_count(1)
    ask(page, ANSWERED)
    page.locator("minirag-widget button.mark").first.click()
    asked = page.locator("minirag-widget .message.user")
    asked.evaluate(
        "asked => { asked.scrollIntoView({block: 'start'}); asked.parentElement.scrollTop -= 14 }"
    )
    page.wait_for_timeout(300)
    page.screenshot(path=folder / "answer.png")
    page.get_by_role("button", name="New conversation").click()
    ask(page, REFUSED)
    page.locator("minirag-widget section.window").screenshot(path=folder / "refusal.png")
    page.context.close()


def open_admin(
    browser: Browser, demo: Demo, width: int, height: int, scheme: Scheme = "light"
) -> Page:
    """A page of acme's admin, in which its owner is logged in."""
    page = open_page(browser, width, height, scheme)
    page.goto(f"{demo.base_url}/t/acme/admin/")
    page.locator("input[name=username]").fill(OWNER)
    page.locator("input[name=password]").fill(demo.password)
    page.locator("button[type=submit], input[type=submit]").first.click()
    page.wait_for_load_state("networkidle")
    return page


def take_admin(browser: Browser, demo: Demo, folder: Path) -> None:
    """Acme's admin: what there is to see of the sources, and the conversation that the widget has just had."""
    page = open_admin(browser, demo, 1280, 620)
    admin = f"{demo.base_url}/t/acme/admin"
    bot = demo.get("/v1/bot-profiles")[0]["id"]
    page.goto(f"{admin}/knowledge/source/", wait_until="networkidle")
    page.screenshot(path=folder / "admin-sources.png")
    page.set_viewport_size({"width": 1280, "height": 860})
    for name, path in (
        ("overview", ""), ("knowledge", "knowledge/source/tree/"), ("chats", "conversations/chat/"),
        ("settings", "settings/"), ("publishing", f"bots/botdraft/of/{bot}/"),
    ):  # fmt: skip
        page.goto(f"{admin}/{path}", wait_until="networkidle")
        if name == "knowledge":
            page.locator(".mr-node-head").first.locator("a, button, summary").first.click()
            expect(page.locator(".mr-node-source")).not_to_have_count(0)
        page.screenshot(path=folder / f"admin-{name}.png")
    page.goto(f"{admin}/bots/botprofile/{bot}/change/", wait_until="networkidle")
    page.get_by_role("button", name="Try it").click()
    page.locator("#mr-tryout-question").fill(ANSWERED)
    page.locator("#mr-tryout [data-part=send]").click()
    expect(page.locator("#mr-tryout [data-part=log]")).to_contain_text("3 years")
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "admin-try.png")
    chat = next(chat for chat in demo.get("/v1/chat") if chat["title"] == ANSWERED)
    page.goto(f"{admin}/conversations/chat/{chat['id']}/change/", wait_until="networkidle")
    page.locator(".mr-thread details").first.locator("summary").click()
    page.screenshot(path=folder / "admin-conversation.png")
    page.context.close()


def take_inbox(browser: Browser, demo: Demo, folder: Path) -> None:
    """A visitor who asks for a person, the person in acme's inbox, and the same on a phone in the dark."""
    bot = demo.get("/v1/bot-profiles")[0]["id"]
    demo.put(f"/v1/bot-profiles/{bot}/handoff-rules", {})
    visitor = open_page(browser, 1180, 720)
    visitor.goto(f"{demo.base_url}/t/acme/")
    visitor.get_by_role("button", name="Ask Ava").click()
    expect(visitor.locator("minirag-widget .message.assistant")).to_have_count(1)
    ask(visitor, ANSWERED)
    visitor.get_by_role("button", name="Talk to a person").click()
    page = open_admin(browser, demo, 1280, 860)
    page.goto(f"{demo.base_url}/t/acme/admin/conversations/handoff/", wait_until="networkidle")
    page.get_by_role("link", name=ANSWERED).first.click()
    page.get_by_role("button", name="Join", exact=True).click()
    answer = page.get_by_label("Your answer")
    answer.fill(
        "Hello! From the **serial number** I see that yours ends in May. Shall I book a service?"
    )
    page.keyboard.press("Control+Enter")
    expect(visitor.locator("minirag-widget .message.person")).to_have_count(1)
    page.screenshot(path=folder / "admin-inbox.png")
    visitor.locator("minirag-widget section.window").screenshot(path=folder / "person.png")
    phone = open_admin(browser, demo, 390, 800, "dark")
    phone.goto(page.url, wait_until="networkidle")
    phone.screenshot(path=folder / "admin-inbox-phone.png")
    for each in (visitor, page, phone):
        each.context.close()


def shrink(picture: Path) -> None:
    """Reduce to 256 colours where pngquant is at hand (Debian's package of that name): a third of the size."""
    if shutil.which("pngquant"):
        subprocess.run(
            ["pngquant", "--force", "--skip-if-larger", "--ext", ".png", str(picture)], check=False
        )


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    chromium = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if chromium is None:
        raise SystemExit(
            "The pictures need Chromium: apt-get install --no-install-recommends chromium"
        )
    with (
        tempfile.TemporaryDirectory(prefix="minirag-pictures-") as directory,
        sync_playwright() as playwright,
    ):
        Path(directory).chmod(0o711)
        with run_demo(Path(directory)) as demo:
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            take_widget(browser, demo, folder)
            take_admin(browser, demo, folder)
            take_inbox(browser, demo, folder)
            browser.close()
    for picture in sorted(folder.glob("*.png")):
        shrink(picture)
        sys.stdout.write(f"{picture}: {picture.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CHECKOUT / "docs" / "images")
