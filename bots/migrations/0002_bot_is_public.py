from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("bots", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="botprofile",
            name="is_public",
            field=models.BooleanField(
                default=False,
                help_text="Anybody may ask it on our own page /t/<slug>/, which shows the oldest public bot. Off: only pages that are listed may.",
                verbose_name="public",
            ),
        ),
        migrations.AlterField(
            model_name="botprofile",
            name="allowed_origins",
            field=models.JSONField(
                blank=True, default=list, help_text='Pages whose widget may talk to this bot, e.g. ["https://www.acme.com"].'
            ),
        ),
    ]
