"""`python -m bench.quality [section …] [--quick] [--show]`: see docs/evaluation.md."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.quality.installation import KEPT, own_installation
from bench.report import Report, describe_machine
from tests.product import CHECKOUT

SECTIONS = (
    "own", "unseen", "others", "security", "dialogues", "scifact", "squad", "xquad_de", "sentences", "strangers",
    "times",
)  # fmt: skip
NEEDS = {
    "dialogues": "dialogues",
    "scifact": "scifact",
    "squad": "squad",
    "xquad_de": "xquad_de",
    "sentences": "squad",
}
"""The public set that a section cannot do without."""


def find_sets() -> Path:
    """`shared/data` beside the checkout, or beside a folder that it is in."""
    beside = [parent / "shared" / "data" for parent in CHECKOUT.parents]
    return next((path for path in beside if path.is_dir()), beside[0])


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.quality", description="Measure how good search and answers are."
    )
    parser.add_argument("sections", nargs="*", help=f"only these: {', '.join(SECTIONS)}")
    parser.add_argument("--quick", action="store_true", help="a third or less of the questions")
    parser.add_argument(
        "--show", action="store_true", help="print each question that went wrong, and what was said"
    )
    parser.add_argument(
        "--data", type=Path, default=find_sets(),
        help="the folder of the public sets; those that are not there are left out",
    )  # fmt: skip
    parser.add_argument(
        "--vectors", type=Path, default=KEPT / "vectors.sqlite3",
        help="where vectors are kept between runs",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.sections) - set(SECTIONS):
        parser.error(
            f"unknown sections: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}"
        )
    chosen.sections = set(chosen.sections) or set(SECTIONS)
    return chosen


def run_sections(report: Report, chosen: argparse.Namespace) -> None:
    # Only now: these read Django's settings when they are imported.
    from bench.quality.dialogues import measure_dialogues
    from bench.quality.judged import (
        SETS,
        Library,
        measure_order,
        measure_sentences,
        measure_strangers,
    )
    from bench.quality.own import measure_others, measure_own, measure_unseen
    from bench.quality.security import measure_security
    from bench.quality.times import measure_times
    from bench.quality.vectors import keep_vectors

    vectors, library = keep_vectors(chosen.vectors), Library(chosen.data)
    quick, show = chosen.quick, chosen.show
    measures = {
        "own": partial(measure_own, report, quick=quick, show=show),
        "unseen": partial(measure_unseen, report, quick=quick, show=show),
        "others": partial(measure_others, report, quick=quick, show=show),
        "security": partial(measure_security, report, quick=quick, show=show),
        "dialogues": partial(measure_dialogues, report, chosen.data / "dialogues", quick=quick, show=show),
        **{name: partial(measure_order, report, library, name, quick=quick) for name in SETS},
        "sentences": partial(measure_sentences, report, library, quick=quick),
        "strangers": partial(measure_strangers, report, library, quick=quick),
        "times": partial(measure_times, report, quick=quick),
    }  # fmt: skip
    for section in SECTIONS:
        needed = NEEDS.get(section)
        if section not in chosen.sections:
            continue
        if needed and not library.has(needed):
            print(f"  SKIPPED {section}: there is no set {needed!r} in {chosen.data}", flush=True)
            continue
        started = time.monotonic()
        measures[section]()
        print(f"  ({section} took {time.monotonic() - started:.0f} s)", flush=True)
    print(f"  {vectors.asked:,} texts embedded, {vectors.known:,} known from before", flush=True)


def main() -> int:
    chosen, report = read_arguments(), Report()
    os.nice(10)
    print(f"MiniRAG eval: {describe_machine()}", flush=True)
    with own_installation():
        run_sections(report, chosen)
    missed = "".join(f"\n- {line}" for line in report.missed())
    print(f"\n{report.render_table()}\n")
    print(f"Not reached:{missed}" if missed else "Everything measured was reached.", flush=True)
    return 1 if report.misses("security") else 0


if __name__ == "__main__":
    sys.exit(main())
