"""How often the ingestion of a small source goes to PostgreSQL: counted, since asking costs more than reading it does.

A figure that has to rise is raised here, in the commit that needs it and says why.
"""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.models import RestrictedPart
from knowledge.tests.conftest import HANDBOOK, make_bot, make_source, run, teach

BESIDE = ("SAVEPOINT", "RELEASE")  # what a transaction within the test's own becomes


def count_statements(source):
    with CaptureQueriesContext(connection) as asked:
        run(source)
    assert source.status == "ready", source.error_message
    sent = [each["sql"] for each in asked.captured_queries]
    # A process remembers the reminders that it has seen committed, and here nothing commits.
    kept = [sql for sql in sent if not sql.startswith(BESIDE) and "INTO tenants_duework" not in sql]
    kept.pop()  # the test's own look at the row
    return len(kept), "\n".join(sql[:200] for sql in kept)


def test_a_new_source_takes_few_statements(in_acme, settings, tmp_path):
    bot = make_bot()
    teach(bot)  # the first one sets what later ones find
    count, sent = count_statements(make_source(bot, HANDBOOK.replace("36 months", "48 months")))
    assert count <= 24, sent  # its tokens are metered as well
    settings.EMBEDDER_DIR = tmp_path  # no embedder: found by its words
    other = make_bot(name="Words", embedding_model="minirag/minilm")
    teach(other)
    count, sent = count_statements(make_source(other, HANDBOOK.replace("36 months", "24 months")))
    assert count <= 19, sent  # one looks whether so many chunks need an index over their words


def test_what_people_wrote_is_looked_for_where_it_is(in_acme):
    bot = make_bot()
    source = teach(bot)
    source.content = source.content.replace("36 months", "48 months")
    source.save()
    plain, _ = count_statements(source)
    RestrictedPart.objects.create(
        pk=RestrictedPart.identify(source.pk, ["staff"]), source=source, groups=["staff"]
    )
    source.content = source.content.replace("48 months", "24 months")
    source.save()
    again, sent = count_statements(source)
    assert again > plain, sent
    assert not RestrictedPart.objects.filter(source=source).exists()  # it holds nothing any more
