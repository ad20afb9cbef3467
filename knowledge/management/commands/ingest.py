"""Bring a bot's sources up to what is in a folder or an archive, from the command line."""

from __future__ import annotations

import time
from argparse import BooleanOptionalAction
from collections import Counter
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.db.models import Count
from pydantic import ValidationError

from bots.commands import choose_bot
from bots.models import BotProfile
from knowledge.bulk.importing import Import, Outcome
from knowledge.bulk.scanning import as_text
from knowledge.models import Dataset, Source, SourceStatus, Visibility
from knowledge.sources.homes import Home, find_home
from knowledge.sources.schemas import WrittenStanding
from minirag.lib.errors import ProductError
from tenants.commands import ProductCommand
from tenants.context import tenant_context
from tenants.provisioning import get_tenant

_SHOWN_SECONDS: Final = 5.0
_SETTLE_SECONDS: Final = 1.0
_QUIET: Final = (Outcome.UNCHANGED,)


class Command(ProductCommand):
    help = "Make each file of a folder or a zip archive a source; run again, only what changed is read again."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("place", metavar="FOLDER|ZIP")
        parser.add_argument("--tenant", required=True, help="The tenant's slug.")
        parser.add_argument("--bot", help="The bot's name or id; not needed with --dataset.")
        parser.add_argument(
            "--dataset", help="A shared dataset's name or id, instead of the bot's own."
        )
        parser.add_argument(
            "--label", help="How the files' ids begin; the folder's name if not given."
        )
        parser.add_argument("--tag", action="append", default=[], help="May be repeated.")
        parser.add_argument(
            "--group", action="append", default=[],
            help="Only for who is in this group; may be repeated.",
        )  # fmt: skip
        parser.add_argument(
            "--private", action="store_true", help="No visitor is answered from it."
        )
        parser.add_argument(
            "--delete-missing", action="store_true",
            help="Delete the sources of files that were taken earlier and are gone.",
        )  # fmt: skip
        parser.add_argument(
            "--watch", action="store_true", help="Go on until Ctrl-C, with each change."
        )
        parser.add_argument(
            "--every", type=float, default=2.0, metavar="SECONDS", help="How often --watch looks."
        )
        parser.add_argument(
            "--wait", action=BooleanOptionalAction, default=False,
            help="Wait until the workers have read all of it, and say what failed.",
        )  # fmt: skip

    def handle(self, *, place: str, tenant: str, **options: Any) -> None:
        if options["every"] <= 0:
            raise CommandError("--every must be more than 0.")
        where = Path(place).resolve()
        self._looked_at, self._shown_at = 0, time.monotonic()
        self._is_talkative = options["verbosity"] > 1
        with tenant_context(get_tenant(tenant)):
            label = as_text(options["label"] or (where.name if where.is_dir() else where.stem))
            home = _choose_home(options["bot"], options["dataset"])
            self._work = Import(where, home, label.strip("/"), _read_standing(options), self._tell)
            if not self._work.label:
                raise CommandError("Say with --label how the files' ids begin.")
            try:
                is_well = self._run(options)
                if options["watch"]:
                    self._watch(options)
            except KeyboardInterrupt:
                self.say("Stopped. What was taken is with the workers.")
                return
        if not is_well:
            raise CommandError("Not everything was taken: see above.")

    def _run(self, options: dict[str, Any]) -> bool:
        """Take what is there; returns whether all of it was taken and, where it is waited for, read."""
        self._looked_at = 0
        try:
            self._work.run(delete_missing=options["delete_missing"])
        except OSError as error:
            raise CommandError(
                f"{as_text(str(self._work.place))}: {error.strerror or error}"
            ) from error
        finally:
            counts = self._work.counts
            told = ", ".join(f"{counts[each]:,} {each}" for each in Outcome if counts[each])
            self.say(f"{told or 'nothing'}.")
        failed = self._wait() if options["wait"] else 0
        return not failed and not counts[Outcome.REFUSED]

    def _tell(self, outcome: Outcome, path: str, reason: str) -> None:
        self._looked_at += 1
        if outcome not in _QUIET or self._is_talkative:
            self.say(f"{outcome:9}  {path}{f': {reason}' if reason else ''}")
        elif time.monotonic() - self._shown_at > _SHOWN_SECONDS:
            self.say(f"… {self._looked_at:,} of {self._work.total:,} files")
        else:
            return
        self._shown_at = time.monotonic()

    def _watch(self, options: dict[str, Any]) -> None:
        self.say(f"Watching {as_text(str(self._work.place))}. Ctrl-C ends it.")
        while True:
            time.sleep(options["every"])
            try:
                if self._work.has_changed():
                    time.sleep(_SETTLE_SECONDS)  # who writes a file may not be done yet
                    self._run(options)
            except (CommandError, OSError, ProductError) as error:
                self.stderr.write(
                    f"{as_text(str(error))}; looked at again in {options['every']:g} s."
                )

    def _wait(self) -> int:
        """Wait for the workers; returns how many of the files could not be read."""
        shown: Counter[str] = Counter()
        while True:
            sources = Source.objects.filter(pk__in=self._work.put).order_by()
            states = Counter(dict(sources.values_list("status").annotate(Count("pk"))))
            failed = states[SourceStatus.ERROR]
            left = states[SourceStatus.PENDING] + states[SourceStatus.PROCESSING]
            if states != shown:
                self.say(f"{states[SourceStatus.READY]:,} ready, {failed:,} failed, {left:,} to go")
                shown = states
            if not left:
                break
            time.sleep(_SETTLE_SECONDS)
        for source in sources.filter(status=SourceStatus.ERROR).only(
            "external_id", "error_message"
        ):
            self.say(f"failed     {source.external_id}: {source.error_message}")
        return failed


def _choose_home(bot: str | None, dataset: str | None) -> Home:
    if bot is None and dataset is None:
        raise CommandError("Name a --bot or a --dataset.")
    chosen = choose_bot(BotProfile.objects.all(), bot) if bot else None
    if dataset is None:
        return find_home(chosen.pk if chosen else None, None)
    shared = Dataset.objects.filter(bot_profile__isnull=True, deleted_at__isnull=True)
    found = [each for each in shared if dataset in (each.name, str(each.pk))]
    if len(found) != 1:
        names = ", ".join(sorted(repr(each.name) for each in shared)[:20]) or "none"
        problem = "Several datasets are" if found else "No shared dataset is"
        raise CommandError(f"{problem} called {dataset!r}. There are: {names}.")
    return find_home(chosen.pk if chosen else None, found[0].pk)


def _read_standing(options: dict[str, Any]) -> dict[str, Any]:
    """What is said of each source; what is not said stays as it is."""
    said = {
        "tags": options["tag"], "groups": options["group"],
        "visibility": Visibility.PRIVATE if options["private"] else "",
    }  # fmt: skip
    said = {name: value for name, value in said.items() if value}
    try:
        return WrittenStanding(**said).model_dump(include=set(said))
    except ValidationError as error:
        fault = error.errors()[0]
        raise CommandError(f"{fault['loc'][0]}: {fault['msg']}.") from error
