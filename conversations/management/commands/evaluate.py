"""Measure a bot by its golden questions, or the product's search by a folder of judged ones."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from bots.commands import choose_bot
from bots.drafts.changing import draft_of, find_gate
from bots.models import BotDraft, BotProfile, Fusion
from conversations.evaluating.attacking import attack
from conversations.evaluating.running import carry_out, claim_run, order_run
from conversations.gates.passing import explain, judge_run
from conversations.golden.changing import add_goldens
from conversations.golden.importing import read_golden_file
from conversations.models import EvaluationResult, EvaluationRun, RunStatus
from knowledge.measuring import measure_folder
from tenants.commands import ProductCommand
from tenants.context import tenant_context
from tenants.provisioning import get_tenant

_SHOWN = (
    "right", "declined_right", "facts", "cites_expected", "ndcg", "recall", "reciprocal_rank", "citation_valid",
    "support", "judged_right", "duration_ms_p50", "duration_ms_p95", "prompt_tokens", "completion_tokens", "cost_usd",
)  # fmt: skip


class Command(ProductCommand):
    help = (
        "Ask a bot its golden questions (--tenant, --bot) and print what that measures; the run is kept as one of the "
        "admin's. With FOLDER (corpus.jsonl, queries.jsonl, qrels.tsv) print nDCG@10, recall@10 and MRR@10 of the "
        "product's search on it, in a tenant that is made for it and erased afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, nargs="?")
        parser.add_argument("--tenant", help="The tenant's slug; with FOLDER, work there.")
        parser.add_argument("--bot", help="The bot's name or id: ask it its golden questions.")
        parser.add_argument("--tag", default="", help="Only golden questions with this tag.")
        parser.add_argument("--judge", default="", metavar="MODEL", help="Let a model judge too.")
        parser.add_argument(
            "--import", dest="file", type=Path, metavar="FILE",
            help="First add the golden questions of a .jsonl, .csv or .yaml file.",
        )  # fmt: skip
        parser.add_argument(
            "--security", action="store_true",
            help="Ask the bot the security set instead, and exit with 1 where anything gets out.",
        )  # fmt: skip
        parser.add_argument("--draft", action="store_true", help="Measure the bot's draft.")
        parser.add_argument(
            "--gate", action="store_true",
            help="Exit with 1 where the bot's gate is not passed, by its draft or else by what is published.",
        )  # fmt: skip
        parser.add_argument("--show", action="store_true", help="Print each wrong answer.")
        parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")
        folder = parser.add_argument_group("with FOLDER")
        folder.add_argument("--limit", type=int, help="Ask only so many, spread evenly.")
        folder.add_argument("--model", help="The embedding model; else the installation's.")
        folder.add_argument("--fusion", choices=Fusion.values, default=Fusion.MAX_NORM)
        folder.add_argument("--dense-weight", type=float)

    def handle(self, *, folder: Path | None, tenant: str | None, **options: Any) -> None:
        if folder is not None:
            if options["bot"]:
                raise CommandError("Either a folder, or a bot with its golden questions.")
            wanted = {name: options[name] for name in ("limit", "model", "fusion", "dense_weight")}
            measure_folder(folder, self.say, tenant=tenant, **wanted)
            return
        if not (tenant and options["bot"]):
            raise CommandError("Say which bot: --tenant SLUG --bot NAME; or name a folder.")
        with tenant_context(get_tenant(tenant)):
            bot = choose_bot(BotProfile.objects.all(), options["bot"])
            if options["file"]:
                self._import(bot, options["file"])
            if options["security"]:
                self._attack(bot)
            else:
                self._run(bot, options)

    def _import(self, bot: BotProfile, path: Path) -> None:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        lines = read_golden_file(path.name, data)
        added, refused = add_goldens(bot, lines.read, made_by=self.actor, file_name=path.name)
        self.say(f"{path.name}: {added} golden questions added.")
        for number, reason in sorted([*lines.bad, *refused]):
            self.stderr.write(f"line {number}: {reason}")

    def _attack(self, bot: BotProfile) -> None:
        """Print of each kind how many were tried and recognised, and each fault."""
        tried = list(attack(bot))
        for kind in dict.fromkeys(each.kind for each in tried):
            own = [each for each in tried if each.kind == kind]
            faulty = sum(bool(each.faults) for each in own)
            known = sum(each.is_recognised for each in own)
            self.say(
                f"{kind:<12} {len(own):>4} tried  {known:>4} taken for attempts  {faulty:>4} faults"
            )
        for each in tried:
            if each.faults:
                said = " ".join(each.answer.split())[:300]
                self.say(f"{each.key}: {'; '.join(each.faults)}\n  {each.question}\n  {said}")
        if count := sum(bool(each.faults) for each in tried):
            raise CommandError(f"{count} of {len(tried)} cases have a fault.")

    def _run(self, bot: BotProfile, options: dict[str, Any]) -> None:
        gate = find_gate(bot) if options["gate"] else None
        if gate is not None and options["tag"]:
            raise CommandError("A gate is passed with all golden questions: leave --tag out.")
        has_draft = BotDraft.objects.filter(bot_profile=bot).exists()
        is_draft = options["draft"] or (gate is not None and has_draft)
        run = order_run(
            draft_of(bot) if is_draft else bot, made_by=self.actor, tag=options["tag"],
            judge_model=options["judge"], is_draft=is_draft,
        )  # fmt: skip
        held = claim_run(run.pk)
        if held is None:
            raise CommandError("A worker has taken the run already, or the tenant has no room.")
        shows = self._show if options["show"] else lambda result: None
        carry_out(held, seconds=None, tell=shows)
        run.refresh_from_db()
        if run.status != RunStatus.SUCCEEDED:
            raise CommandError(f"The run has {run.status}: {run.error_message}")
        self._print(run, as_json=options["json"])
        if gate is not None:
            passing = judge_run(gate, run)
            if not passing.is_passed:
                raise CommandError(explain(passing))
            self.say("The gate is passed.")

    def _print(self, run: EvaluationRun, *, as_json: bool) -> None:
        if as_json:
            self.say(json.dumps({"run_id": str(run.pk), "figures": run.figures}))
            return
        figures = run.figures
        self.say(f"{figures['questions']} questions, {figures['failed']} failed; run {run.pk}")
        for name in _SHOWN:
            if figures.get(name) is not None:
                self.say(f"{name:<20} {round(figures[name], 4):>12}")

    def _show(self, result: EvaluationResult) -> None:
        if result.is_right:
            return
        measures = result.measures
        notes = [f"without {', '.join(measures['missing_facts'])}"] * bool(
            measures["missing_facts"]
        )
        notes += [f"says {', '.join(measures['forbidden_facts'])}"] * bool(
            measures["forbidden_facts"]
        )
        notes += ["cites none of the expected"] * (measures["cites_expected"] is False)
        self.say(f"\nwrong: {result.question}\n  {result.outcome}; {'; '.join(notes)}")
        self.say(f"  {' '.join(result.answer.split())[:500]}")
