"""The documentation against the code, both ways: what exists is documented, what is documented exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.urls import URLPattern, URLResolver, get_resolver

from conversations.turns.schemas import EVENTS
from conversations.widget.schemas import FrameSchema
from minirag.lib.errors import ProviderError
from minirag.lib.http_in import rest
from tenants.models import TenantStatus

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGES = ("minirag", "tenants", "bots", "webhooks", "knowledge", "conversations")
ROOT_PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [*(ROOT / name for name in ROOT_PAGES), *sorted(DOCS.glob("*.md"))]
# In .env.example and configuration.md, and read by compose, by `manage.py up` or by LiteLLM instead of the settings.
OTHERS_READ = {
    "PORT",
    "WEB_PROCESSES",
    "BIND_ADDRESS",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
}
METHODS = ("get", "post", "put", "patch", "delete")
# Views that are functions: the contract's methods of each.
FUNCTION_VIEWS = {
    "chat_collection": {"GET", "POST"}, "chat_completions": {"POST"}, "system_health": {"GET"}, "health": {"GET"},
    "health_of_v1": {"GET"}, "embeddings": {"POST"}, "responses": {"POST"}, "mcp_messages": {"POST"},
    "turn_events": {"GET"}, "turn_stop": {"POST"}, "widget_frames": {"POST"}, "explain_answer": {"POST"},
}  # fmt: skip
CATCH_ALLS = {"remove_slash", "answer_unknown"}


@cache
def read(path: Path) -> str:
    return path.read_text()


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next of its level or a higher one."""
    level = len(heading) - len(heading.lstrip("#"))
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{level}}} |\Z)", page, re.MULTILINE | re.DOTALL
    )
    assert found, f"no heading {heading!r}"
    return found[1]


def first_cells(text: str) -> list[str]:
    """The first cell of every row of the tables in `text`, without heads and rulers."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [
        cells[1].strip()
        for row in rows
        if len(cells := row.split("|")) > 2 and "---" not in cells[1]
    ]


def quoted_names(text: str) -> set[str]:
    """What is in backticks in the first cells of its tables."""
    return {name for cell in first_cells(text) for name in re.findall(r"`(\w+)`", cell)}


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


# --- settings ---------------------------------------------------------------------------------------------------
def settings_read() -> set[str]:
    return set(
        re.findall(
            r'\benv(?:\.\w+)?\(\s*"([A-Z][A-Z0-9_]+)"', read(ROOT / "minirag" / "settings.py")
        )
    )


def test_every_setting_is_in_configuration_md_and_nothing_else_is():
    documented = quoted_names(read(DOCS / "configuration.md"))
    assert settings_read() - documented == set(), "not documented"
    assert documented - settings_read() - OTHERS_READ == set(), "documented but gone"


def test_every_setting_is_in_env_example_and_nothing_else_is():
    listed = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", read(ROOT / ".env.example"), re.MULTILINE))
    assert settings_read() - listed == set(), "not listed"
    assert listed - settings_read() - OTHERS_READ == set(), "listed but gone"


# --- commands ---------------------------------------------------------------------------------------------------
def own_commands() -> dict[str, BaseCommand]:
    return {
        name: load_command_class(app, name)
        for name, app in get_commands().items()
        if app in PACKAGES
    }


def options_of(command: BaseCommand) -> set[str]:
    return {
        text
        for action in command.create_parser("manage.py", "x")._actions
        for text in action.option_strings
    }


def own_options(command: BaseCommand) -> set[str]:
    """Its options without those that every command, or Django's own of the same name, has."""
    inherited = options_of(DjangoMigrate() if isinstance(command, DjangoMigrate) else BaseCommand())
    return options_of(command) - inherited


def test_every_command_has_a_heading_and_every_heading_a_command():
    headings = set(re.findall(r"^### (\w+)$", read(DOCS / "commands.md"), re.MULTILINE))
    assert headings == set(own_commands())


@pytest.mark.parametrize("name", sorted(own_commands()))
def test_every_option_is_documented_with_its_command(name):
    text = section(read(DOCS / "commands.md"), f"### {name}")
    documented = {option for cell in first_cells(text) for option in re.findall(r"--[a-z-]+", cell)}
    assert documented == own_options(own_commands()[name])


# --- routes -----------------------------------------------------------------------------------------------------
def walk_routes(
    patterns: list[URLPattern | URLResolver], prefix: str = "/"
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from walk_routes(pattern.url_patterns, route)
        elif pattern.callback.__name__ not in CATCH_ALLS:
            yield route, pattern


def methods_of(pattern: URLPattern) -> set[str]:
    view = getattr(pattern.callback, "cls", None)
    if view is None:
        return FUNCTION_VIEWS[pattern.callback.__name__]
    return {name.upper() for name in METHODS if hasattr(view, name)}


def served_routes() -> set[str]:
    routes = walk_routes(get_resolver("minirag.urls").url_patterns)
    return {
        f"{method} {shorten(route)}"
        for route, pattern in routes
        if route.startswith("/v1/") or route == "/health"
        for method in methods_of(pattern)
    }


def shorten(route: str) -> str:
    """A route with `{}` for each of its parameters."""
    return re.sub("<[^>]+>|{[^}]+}", "{}", route)


def documented_routes() -> set[str]:
    """`GET`, `PATCH /v1/things/{id}` in a first cell are two routes."""
    routes = set()
    for cell in first_cells(read(DOCS / "api.md")):
        if path := re.search(r"(/v1/\S+|/health)`", cell):
            methods = re.findall(r"\b(GET|POST|PUT|PATCH|DELETE)\b", cell)
            routes |= {f"{method} {shorten(path[1])}" for method in methods}
    return routes


def test_every_route_is_in_api_md_with_its_methods_and_nothing_else_is():
    assert served_routes() - documented_routes() == set(), "not documented"
    assert documented_routes() - served_routes() == set(), "documented but gone"


# --- frames -----------------------------------------------------------------------------------------------------
def accepted_frames(path: Path) -> set[str]:
    """Keys of the consumer's `handlers`."""
    tree = ast.parse(read(path))
    return {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "handlers"
        for key in node.value.keys
        if key is not None  # what another class handles
    }


def sent_frames() -> set[str]:
    return {frame.model_fields["type"].default for frame in FrameSchema.__subclasses__()}


def event_names() -> set[str]:
    return {name for name, _ in EVENTS.values()}


def test_every_frame_of_the_websocket_is_in_api_md():
    names = ("widget/consumers.py", "history/consumers.py", "handoffs/consumers.py")
    consumers = [ROOT / "conversations" / name for name in names]
    accepted = set().union(*map(accepted_frames, consumers))
    sent = sent_frames()
    assert {"question", "stop"} <= accepted and {"authenticated", "error"} <= sent, (
        "the code is read wrongly"
    )
    text = section(read(DOCS / "api.md"), "## WebSocket")
    assert quoted_names(text) == accepted | {"authenticate"}
    assert {name for name in sent | event_names() if f"`{name}`" not in text} == set()


def test_every_event_of_a_stream_is_in_api_md():
    events = section(read(DOCS / "api.md"), "### Events")
    assert quoted_names(events) == event_names()


# --- error codes ------------------------------------------------------------------------------------------------
def codes_in(tree: ast.Module) -> Iterator[ast.expr]:
    """Expressions that become an error's code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (
                keyword.value for keyword in node.keywords if keyword.arg in ("code", "error_code")
            )
            first = node.args[0] if node.args else None
            if getattr(node.func, "id", "") in (
                "OutboundError",
                "IngestionError",
                "NyxCoreError",
                "SiteFailed",
            ):
                yield from [first] if first else []
            # In a class derived from one of those.
            elif ast.unparse(node.func) == "super().__init__" and isinstance(first, ast.Constant):
                yield from [first] if re.fullmatch(r"[a-z]+(_[a-z]+)+", str(first.value)) else []
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names = [getattr(each, "id", "") for each in getattr(target, "elts", [target])]
                values = getattr(node.value, "elts", [node.value])
                yield from (
                    value for name, value in zip(names, values, strict=False) if name == "code"
                )
        elif isinstance(node, ast.Dict):
            yield from (
                value
                for key, value in zip(node.keys, node.values, strict=True)
                if getattr(key, "value", "") in ("code", "error_code")
            )
        elif isinstance(node, ast.FunctionDef):
            defaults = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            yield from (
                default
                for argument, default in defaults
                if argument.arg == "code" and default is not None
            )


def expand(code: ast.expr) -> set[str]:
    """A literal, or the f-strings `tenant_{status}` and `provider_{category}` written out."""
    if isinstance(code, ast.Constant):
        return {code.value} if isinstance(code.value, str) and code.value else set()
    if isinstance(code, ast.JoinedStr):
        prefix = code.values[0].value
        endings = {
            "tenant_": set(TenantStatus.values) - {"active"},
            "provider_": set(ProviderError.STATUS_OF),
        }
        return {prefix + ending for ending in endings[prefix]}
    return set()


@cache
def raised_codes() -> set[str]:
    codes = {code for _, _, code, _ in rest._KNOWN}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if not {"tests", "migrations", "demo", "embedded", "supervision"} & set(
                path.relative_to(ROOT).parts
            ):
                codes |= {text for code in codes_in(ast.parse(read(path))) for text in expand(code)}
    return codes


def test_every_error_code_is_in_api_md_and_nothing_else_is():
    documented = quoted_names(section(read(DOCS / "api.md"), "## Error codes"))
    assert raised_codes() - documented == set(), "not documented"
    assert documented - raised_codes() == set(), "documented but gone"


# --- links ------------------------------------------------------------------------------------------------------
def anchors_of(path: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(read(path)), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def links_of(path: Path) -> list[str]:
    text = without_code(read(path))
    shown = re.sub(r"`[^`\n]*`", "code", text)
    found = re.findall(r"\]\(([^)\s]+)\)", shown) + re.findall(
        r'\b(?:src|href)="([^"]+)"', re.sub(r"`[^`]*`", "", text)
    )
    return [target for target in found if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in links_of(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors_of(file), f"{page.name}: {target}"


def test_every_page_is_in_the_index():
    index = links_of(DOCS / "index.md")
    assert {page.name for page in DOCS.glob("*.md")} - {"index.md"} <= set(index)


def test_every_page_is_in_the_sites_navigation():
    listed = set(re.findall(r"^ +- (?:\w+: )?(\S+\.md)$", read(ROOT / "mkdocs.yml"), re.MULTILINE))
    assert {page.name for page in DOCS.glob("*.md")} <= listed


def test_every_page_that_the_code_cites_is_there():
    files = [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "tests" not in path.parts
    ]
    cited = {name for path in files for name in re.findall(r"[\w/-]*\w\.md\b", read(path))}
    cited -= {"README.md"}  # a model card's name
    assert cited and cited <= {f"docs/{page.name}" for page in DOCS.glob("*.md")}


def chapters_of_extending() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", read(DOCS / "extending.md"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("chapter", chapters_of_extending())
def test_every_file_and_sibling_that_a_newcomer_is_sent_to_is_there(chapter):
    text = chapters_of_extending()[chapter]
    for path in re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:in|yaml)|\.env\.example)`", text):
        if not path.startswith("provider/"):
            assert (ROOT / path).exists(), path
    sibling = re.search(r"^Sibling: (.*?)\.$", text, re.MULTILINE | re.DOTALL)
    assert sibling, "name a sibling to copy"
    for name, path in re.findall(r"`([^`]+)` in\s`([^`]+)`", sibling[1]):
        assert name.removeprefix("/v1/") in read(ROOT / path) + read(ROOT / "bots/urls.py"), name


def test_extending_answers_for_each_kind_of_thing():
    kinds = """file format, connector, webhook event, route of the API, admin page, word in the admin,
        script of other people, model provider, setting, periodic task, language, guardrail, column on bots"""
    wanted = [" ".join(kind.split()) for kind in kinds.split(",")]
    assert [re.sub(r"^An? ", "", chapter) for chapter in chapters_of_extending()] == wanted


def test_every_picture_is_used_and_small():
    used = {
        Path(target).name for page in PAGES for target in links_of(page) if target.endswith(".png")
    }
    pictures = {picture.name: picture.stat().st_size for picture in (DOCS / "images").glob("*.png")}
    assert set(pictures) == used
    assert all(size < 200_000 for size in pictures.values()), pictures


def test_every_package_is_on_the_map_of_the_code():
    rows = " ".join(first_cells(section(read(ROOT / "README.md"), "## A map of the code")))
    packages = {package for package in PACKAGES if f"`{package}`" in rows} | {
        "minirag/lib",
        "minirag/ai",
    }
    assert packages == {*PACKAGES, "minirag/lib", "minirag/ai"}
