"""What is built is wired: no public function, class or method is without a caller in the product itself.

Tests do not count as callers. A function or class is called by its name in its own module, by modules that import it
from there, or by a text that ends in its name (a task, a setting). A method is called where its name stands behind a
dot, or in a text or template. What a framework calls is told by its base classes, its decorators and the lists below.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from tests.test_architecture import PACKAGES, ROOT, name_of, parse, source_files

# Called by what is not our Python, each with who calls it.
CALLED_FROM_OUTSIDE = {
    "minirag/api.py": {
        "handler400": "URL conf",
        "handler404": "URL conf",
        "handler500": "URL conf",
    },
    "minirag/asgi.py": {"application": "daphne"},
    "conversations/handoffs/listening.py": {
        "handoff_changed": "Channels",
        "handoff_typing": "Channels",
        "handoff_present": "Channels",
    },
    "conversations/inbox/consumers.py": {"handoff_present": "Channels"},
    "minirag/serving/backpressure.py": {
        "pauseProducing": "Twisted",
        "resumeProducing": "Twisted",
        "stopProducing": "Twisted",
    },
    "minirag/serving/sockets.py": {"stopProducing": "Twisted"},
    "minirag/lib/rows/quick.py": {"from_db": "Django's query sets"},
    "minirag/lib/security/passwords.py": {"validate": "Django's list of password validators"},
    "tenants/models.py": {
        "get_full_name": "admin",
        "is_staff": "admin",
        "has_perms": "admin",
        "has_module_perms": "admin",
    },
}
HTTP_METHODS = {"get", "post", "put", "patch", "delete"}
FOUND_BY_THEIR_PLACE = ("AppConfig", "BaseCommand", "Model", "MiddlewareMixin")
# A form's `clean_<field>`, an action's `has_<action>_permission`.
HOOKS = re.compile(r"clean_\w+|has_\w+_permission|(get|render)_\w+_display|[a-z]+_view")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Public:
    """A public name where it is made; `owner` is the class of a method."""

    path: Path
    owner: str
    node: Function | ast.ClassDef

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def module(self) -> str:
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    def __str__(self) -> str:
        return f"{name_of(self.path)}:{self.node.lineno} {self.owner}{'.' * bool(self.owner)}{self.name}"


@cache
def modules() -> tuple[Path, ...]:
    return tuple(source_files())


def public_names() -> Iterator[Public]:
    for path in modules():
        for node in parse(path).body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                yield Public(path, "", node)
            for part in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(part, Function) and not part.name.startswith("_"):
                    yield Public(path, node.name, part)


@dataclass(frozen=True)
class Spoken:
    """The names that one module says: as names, behind dots, by import, in texts."""

    names: frozenset[str]
    attributes: frozenset[str]
    imported: frozenset[tuple[str, str]]
    texts: frozenset[str]


@cache
def spoken_in(path: Path) -> Spoken:
    names, attributes, imported, texts = set(), set(), set(), set()
    aliases = [
        part
        for node in ast.walk(parse(path))
        for part in getattr(node, "names", ())
        if isinstance(part, ast.alias)
    ]
    renamed = {alias.asname: alias.name for alias in aliases if alias.asname}
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Name):
            names.add(renamed.get(node.id, node.id))
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
        elif isinstance(node, ast.ClassDef):  # a schema's field reads the property of its name
            fields = [part.target for part in node.body if isinstance(part, ast.AnnAssign)]
            attributes |= {field.id for field in fields if isinstance(field, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            imported |= {(node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A name or a path of names; prose that happens to hold a name calls nothing.
            texts |= {node.value} if re.fullmatch(r"-?[\w.:]+", node.value) else set()
    return Spoken(frozenset(names), frozenset(attributes), frozenset(imported), frozenset(texts))


@cache
def texts_said() -> frozenset[str]:
    """The last names of all texts in code, and all words of templates."""
    said = {
        re.split(r"[.:]|__", text)[-1].lstrip("-")
        for path in modules()
        for text in spoken_in(path).texts - set(exported_by(path))
    }
    for template in (ROOT / "templates").rglob("*.html"):
        said |= set(re.findall(r"\w+", template.read_text()))
    return frozenset(said)


def callers() -> tuple[Path, ...]:
    return (*modules(), ROOT / "manage.py")


@cache
def said_behind_dots() -> frozenset[str]:
    return frozenset().union(*(spoken_in(path).attributes for path in callers()))


@cache
def exported_by(path: Path) -> tuple[str, ...]:
    """The names in `__all__`: said, but not called."""
    for node in parse(path).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return tuple(ast.literal_eval(node.value))
    return ()


def has_a_caller(public: Public) -> bool:
    if public.owner:
        return public.name in said_behind_dots() or public.name in texts_said()
    if public.name in spoken_in(public.path).names or public.name in texts_said():
        return True
    last = public.module.rpartition(".")[2]
    for path in callers():
        spoken = spoken_in(path)
        named = any(name == public.name for _, name in spoken.imported)
        if named and public.name in spoken.names:
            return True
        # `from webhooks import pausing`, and then `pausing.pause`
        if public.name in spoken.attributes and any(name == last for _, name in spoken.imported):
            return True
    return False


def is_called_by_a_framework(public: Public) -> bool:
    if public.name in CALLED_FROM_OUTSIDE.get(name_of(public.path), ()):
        return True
    decorators = [ast.unparse(each).partition("(")[0] for each in public.node.decorator_list]
    if any(
        re.search(r"(^|\.)(register|setter|connect|shared_task|\w+_validator)$", name)
        for name in decorators
    ):
        return True
    owner = getattr(import_module(public.module), public.owner or public.name)
    if not isinstance(owner, type):
        return False
    foreign = [base for base in owner.__mro__ if base.__module__.split(".")[0] not in PACKAGES]
    if not public.owner:
        return any(base.__name__ in FOUND_BY_THEIR_PLACE for base in foreign)
    if public.name in HTTP_METHODS and hasattr(owner, "as_view"):
        return True
    return bool(HOOKS.fullmatch(public.name)) or any(hasattr(base, public.name) for base in foreign)


def test_every_public_name_has_a_caller_in_the_product():
    unused = [
        str(public)
        for public in public_names()
        if not has_a_caller(public) and not is_called_by_a_framework(public)
    ]
    assert "\n".join(unused) == ""


def test_no_exception_is_stale():
    known = {(name_of(public.path), public.name) for public in public_names()}
    known.add(("minirag/asgi.py", "application"))  # a variable
    assert {(path, name) for path, names in CALLED_FROM_OUTSIDE.items() for name in names} <= known
