"""Take the admin's log of a tenant from its references to the public schema.

Each of them is two triggers on a table that all tenants share. With 300 tenants to write one user took 8 ms and to delete
one 80, a new tenant kept everybody from writing to that table until it was committed, and one that was erased
from reading it. Users are not deleted while their tenant is there.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("bots", "0024_masking"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.RunSQL(
            [
                # Of a user who was made in the same transaction there are checks to come.
                "SET CONSTRAINTS ALL IMMEDIATE",
                "ALTER TABLE django_admin_log"
                " DROP CONSTRAINT IF EXISTS django_admin_log_content_type_id_c4bce8eb_fk_django_co,"
                " DROP CONSTRAINT IF EXISTS django_admin_log_user_id_c564eba6_fk_tenants_user_id",
                "SET CONSTRAINTS ALL DEFERRED",
            ],
            migrations.RunSQL.noop,
        )
    ]
