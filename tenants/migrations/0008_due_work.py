"""The table of due work. What is due in tenants that are there already is not known yet, so all of it is looked at."""

from django.db import migrations, models

KINDS = (
    'ingestion', 'purges', 'refreshes', 'reembedding', 'deliveries', 'old_deliveries', 'exports', 'old_exports',
    'usage', 'turns',
)
GONE = (
    'sweep-ingestion', 'refresh-due-sources', 'reembed-outdated-datasets', 'roll-up-usage', 'sweep-deliveries',
    'prune-deliveries', 'sweep-exports', 'purge-expired-exports', 'fail-abandoned-turns',
)


def look_at_everything(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tenants_duework (tenant_id, kind, due_at)"
            " SELECT id, kind, now() FROM tenants_tenant CROSS JOIN unnest(%s::text[]) AS kind",
            [list(KINDS)],
        )


def forget_old_schedule(apps, schema_editor):
    """Beat keeps what it was once told in its own table, and would go on sending tasks that nobody knows any more."""
    apps.get_model('django_celery_beat', 'PeriodicTask').objects.filter(name__in=GONE).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('tenants', '0007_token_family'),
        ('django_celery_beat', '0019_alter_periodictasks_options'),
    ]

    operations = [
        migrations.CreateModel(
            name='DueWork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.UUIDField()),
                ('kind', models.CharField(max_length=32)),
                ('due_at', models.DateTimeField()),
                ('claimed_until', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['due_at'], name='due_work_by_time'), models.Index(fields=['tenant_id', 'kind', 'due_at'], name='due_work_by_tenant')],
            },
        ),
        migrations.RunPython(look_at_everything, migrations.RunPython.noop),
        migrations.RunPython(forget_old_schedule, migrations.RunPython.noop),
    ]
