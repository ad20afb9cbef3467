"""Say step by step why a bot answers as it does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.core.management.base import CommandError

from bots.commands import choose_bot
from bots.configurations import with_configuration
from bots.models import BotProfile
from conversations.explaining.comparing import compare
from conversations.explaining.explaining import Explanation, Trial, explain, explain_stored
from conversations.explaining.printing import print_comparison, print_explanation
from conversations.explaining.schemas import ExplainedSchema
from conversations.logs.traces import question_of
from conversations.models import Message
from knowledge.audiences import add_groups_argument, read_audience
from knowledge.locating.wanted import Wanted
from minirag.lib.errors import NotFound
from minirag.lib.http_in.nouns import Joined
from tenants.commands import ProductCommand
from tenants.context import tenant_context
from tenants.provisioning import get_tenant


class Command(ProductCommand):
    help = (
        "Try a question, or take a stored turn, and say what was understood, searched, found, judged and said; "
        "why a passage was not found; what another configuration changes. Leaves no chat behind."
    )

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--tenant", required=True, help="The tenant's slug.")
        parser.add_argument("--bot", help="The bot's name or id.")
        parser.add_argument("question", nargs="?")
        parser.add_argument(
            "--message", type=UUID, help="A stored turn instead: the id of one of its messages."
        )
        wanted = parser.add_mutually_exclusive_group()
        wanted.add_argument("--chunk", type=UUID, help="Why was this passage not found?")
        wanted.add_argument("--source", type=UUID, help="Or this source?")
        wanted.add_argument("--text", default="", help="Or the passage with these words?")
        other = parser.add_mutually_exclusive_group()
        other.add_argument(
            "--with", dest="values", action="append", metavar="FIELD=VALUE",
            help="Compare with the same bot with another value, which is not saved; may be given several times.",
        )  # fmt: skip
        other.add_argument("--against", metavar="BOT", help="Compare with another bot.")
        add_groups_argument(parser)
        parser.add_argument("--json", action="store_true", help="As the API's answer.")

    def handle(self, *, tenant: str, **options: Any) -> None:
        wanted = Wanted(options["chunk"], options["source"], options["text"])
        with tenant_context(get_tenant(tenant)):
            if options["message"]:
                self._tell(self._explain_stored(options, wanted), as_json=options["json"])
            elif not options["question"] or not options["bot"]:
                raise CommandError("Give --bot and a question, or --message.")
            else:
                self._try(options, wanted)

    def _explain_stored(self, options: dict[str, Any], wanted: Wanted) -> Explanation:
        if options["question"] or options["values"] or options["against"]:
            raise CommandError(
                "A stored turn has its question and its bot; nothing is compared with it."
            )
        message = Message.objects.select_related("chat").filter(pk=options["message"]).first()
        question = question_of(message) if message else None
        if question is None:
            raise NotFound("Message not found")
        return async_to_sync(explain_stored)(question, wanted)

    def _try(self, options: dict[str, Any], wanted: Wanted) -> None:
        bots = BotProfile.objects.all()
        bot, trial = (
            choose_bot(bots, options["bot"]),
            Trial(options["question"], wanted=wanted, audience=read_audience(options["groups"])),
        )
        if options["against"]:
            other = choose_bot(bots, options["against"])
        elif options["values"]:
            other = with_configuration(bot, read_values(options["values"]))
        else:
            self._tell(async_to_sync(explain)(bot, trial), as_json=options["json"])
            return
        found = async_to_sync(compare)(bot, other, trial)
        if options["json"]:
            self._write_json(Joined(found.first, comparison=found))
        else:
            self._write(print_comparison(found))

    def _tell(self, found: Explanation, *, as_json: bool) -> None:
        if as_json:
            self._write_json(Joined(found, comparison=None))
        else:
            self._write(print_explanation(found))

    def _write_json(self, found: Joined) -> None:
        self.say(ExplainedSchema.model_validate(found).model_dump_json(indent=2))

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.say(line)


def read_values(pairs: list[str]) -> dict[str, Any]:
    """Read `passage_count=8`; nothing behind the sign is an empty value. Raises CommandError."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            raise CommandError(f"{pair!r} is not FIELD=VALUE.")
        values[name.strip()] = value
    return values
