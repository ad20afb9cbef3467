from django.db import migrations, models

MEASURE = """
UPDATE knowledge_source AS s SET stored_bytes = CASE s.source_type
    WHEN 'upload' THEN coalesce((SELECT octet_length(f.data) FROM knowledge_sourcefile f WHERE f.source_id = s.id), 0)
    WHEN 'url' THEN coalesce((SELECT sum(octet_length(c.content)) FROM knowledge_chunk c WHERE c.source_id = s.id), 0)
    ELSE coalesce(octet_length(s.content), 0) END;
UPDATE bots_botprofile AS b SET stored_bytes = coalesce(
    (SELECT sum(s.stored_bytes) FROM knowledge_source s WHERE s.bot_profile_id = b.id AND s.deleted_at IS NULL), 0);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('bots', '0004_quotas'),
        ('knowledge', '0003_external_search'),
    ]

    operations = [
        migrations.AddField(
            model_name='source',
            name='stored_bytes',
            field=models.BigIntegerField(default=0, editable=False, help_text='See knowledge.storage.'),
        ),
        migrations.RunSQL(MEASURE, migrations.RunSQL.noop),
    ]
