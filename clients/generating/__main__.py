"""`python -m clients.generating`, in MiniRAG's environment; a test tells when it is due."""

from __future__ import annotations

import os
from pathlib import Path

import django

from clients.generating import python, typescript

CLIENTS = Path(__file__).resolve().parent.parent


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
    django.setup()
    from minirag.pages.reference import api_document

    document = api_document()
    for generator, folder in ((python, "python/minirag_client"), (typescript, "typescript/src")):
        for name, text in generator.generate(document).items():
            (CLIENTS / folder / name).write_text(text)


main()
