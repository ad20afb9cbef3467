"""Who the demo's two tenants are. Their documents lie in the folders next to this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
OPERATOR_EMAIL = "operator@example.com"


@dataclass(frozen=True)
class DemoTenant:
    """A tenant of the demo, as `manage.py demo` makes it and its page shows it."""

    slug: str
    name: str
    owner_email: str
    owner_name: str
    bot_name: str
    bot_description: str
    greeting: str
    tagline: str
    accent: str

    @property
    def documents(self) -> list[Path]:
        files = (FOLDER / self.slug).iterdir()
        return sorted(path for path in files if path.is_file() and not path.name.startswith("."))

    @property
    def starter_questions(self) -> list[str]:
        questions: list[str] = json.loads((FOLDER / "questions.json").read_text())[self.slug][
            "starter_questions"
        ]
        return questions


DEMO_TENANTS = (
    DemoTenant(
        slug="acme", name="Acme Air", owner_email="owner@acme.example.com", owner_name="Alice", bot_name="Ava",
        bot_description="Answers questions about the Breva air monitors.", tagline="Clean air, well explained.",
        greeting="Hello, I am Ava. Ask me about the Breva air monitors: installing, calibrating, errors, spare parts.",
        accent="#0b7285",
    ),
    DemoTenant(
        slug="globex", name="Globex Freight", owner_email="owner@globex.example.com", owner_name="Gina", bot_name="Gus",
        bot_description="Answers questions about shipping, customs and tariffs.", tagline="Freight without guesswork.",
        greeting="Hello, I am Gus. Ask me about sailings, free time, customs papers, dangerous goods and prices.",
        accent="#b3541e",
    ),
)  # fmt: skip


def find_demo_tenant(slug: str) -> DemoTenant | None:
    return next((demo for demo in DEMO_TENANTS if demo.slug == slug), None)
