"""Fetch an embedder by name from a model hub, or try a folder where there is no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from minirag.ai.builtin.local import FOLDER, is_folder
from minirag.ai.builtin.trying import try_folder
from minirag.ai.fetching import fetch_model
from tenants.commands import ProductCommand


class Command(ProductCommand):
    help = "Fetch an embedder (a sentence-transformers model with an ONNX export) from a model hub, or try a folder."
    requires_system_checks: list[str] = []  # there may be no database yet

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("name", nargs="?", help="OWNER/MODEL, as the hub calls it")
        parser.add_argument("--to", type=Path, metavar="DIR", help="default EMBEDDER_DIR/MODEL")
        parser.add_argument("--hub", metavar="URL", help="the hub; default EMBEDDER_HUB_URL")
        parser.add_argument(
            "--revision", default="main", help="branch, tag or commit; default main"
        )
        parser.add_argument("--graph", metavar="PATH", help="another ONNX file of the model")
        parser.add_argument(
            "--check", type=Path, metavar="DIR", help="fetch nothing, try this folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, check = options["name"], options["check"]
        if (name is None) == (check is None):
            raise CommandError("Give either a model's name or --check with a folder.")
        if check is not None:
            target, lines = check.resolve(), try_folder(check.resolve())
        else:
            target = (options["to"] or settings.EMBEDDER_DIR / name.rpartition("/")[2]).resolve()
            lines = fetch_model(
                name, target, hub=options["hub"] or settings.EMBEDDER_HUB_URL,
                revision=options["revision"], graph=options["graph"], say=self.say,
            )  # fmt: skip
        for line in lines:
            self.say(line)
        self.say(self._advise(target))

    def _advise(self, target: Path) -> str:
        """How it is named in DEFAULT_EMBEDDING_MODEL and by bots."""
        if target == settings.EMBEDDER_DIR:
            return f"Name it {FOLDER}."
        model = f"{FOLDER}:{target.name}"
        if target.parent == settings.EMBEDDER_DIR and is_folder(model):
            return f"Name it {model}."
        return f"Set EMBEDDER_DIR={target} and name it {FOLDER}."
