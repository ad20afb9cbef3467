"""Finds and mends drift between a tenant's chats and their messages, and between exports and their files."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Count, F
from django.utils import timezone

from conversations.exports.models import ExportJob, ExportStatus
from knowledge.indexing.upkeep.reconciling import Finding

AT_REST = timedelta(hours=1)
"""Chats with a turn since then are left alone: its numbers are on their way."""


def reconcile_conversations(*, mend: bool) -> list[Finding]:
    """Look at the current tenant's chats and exports; with `mend` put right what can be."""
    found = [
        Finding("chats that count their messages wrongly", _count_messages(mend), mend),
        Finding("exports whose file is incomplete", _find_incomplete_exports(mend), mend),
    ]
    return [finding for finding in found if finding.count]


def _count_messages(mend: bool) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """UPDATE conversations_chat AS c SET message_count = n.messages
                 FROM (SELECT k.id, count(m.id) AS messages FROM conversations_chat AS k
                         LEFT JOIN conversations_message AS m ON m.chat_id = k.id
                        WHERE k.updated_at < %s GROUP BY k.id) AS n
                WHERE n.id = c.id AND c.message_count <> n.messages RETURNING c.id""",
            [timezone.now() - AT_REST],
        )
        count = len(cursor.fetchall())
        if not mend:
            transaction.set_rollback(True)
    return count


def _find_incomplete_exports(mend: bool) -> int:
    """They fail, so that they can be retried, instead of breaking every download."""
    kept = ExportJob.objects.filter(status=ExportStatus.SUCCEEDED, part_count__gt=0)
    lost = kept.annotate(there=Count("parts")).exclude(there=F("part_count"))
    found = list(lost.order_by().values_list("pk", flat=True))
    if mend:
        ExportJob.objects.filter(pk__in=found).lose_file()
    return len(found)
