from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('webhooks', '0002_deliveries'),
    ]

    operations = [
        migrations.RenameField(
            model_name='webhook',
            old_name='busy_until',
            new_name='rests_until',
        ),
        migrations.AddField(
            model_name='webhook',
            name='claim_id',
            field=models.UUIDField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='webhook',
            name='heartbeat_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='webhook',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, editable=False),
        ),
    ]
