"""Take the admin's log of a tenant from its references to the public schema.

Each of them is two triggers on a table that all tenants share. With 300 tenants to write one user took 8 ms and to delete
one 80, a new tenant kept everybody from writing to that table until it was committed, and one that was erased
from reading it. Users are not deleted while their tenant is there.

To drop them keeps everybody from reading these tables until the tenant's migration is committed. So it comes after all
that waits for the tenant's own rows, and gives up where others do not leave the tables in time: `migrate` names the
tenant, and does it when it is run again.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("bots", "0025_fewer_indexes"),
        ("webhooks", "0010_fewer_indexes"),
        ("knowledge", "0026_fewer_indexes"),
        ("conversations", "0026_fewer_indexes"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.RunSQL(
            [
                # Of a user who was made in the same transaction there are checks to come.
                "SET CONSTRAINTS ALL IMMEDIATE",
                "SET LOCAL lock_timeout = '5s'",
                "ALTER TABLE django_admin_log"
                " DROP CONSTRAINT IF EXISTS django_admin_log_content_type_id_c4bce8eb_fk_django_co,"
                " DROP CONSTRAINT IF EXISTS django_admin_log_user_id_c564eba6_fk_tenants_user_id",
                "SET LOCAL lock_timeout TO DEFAULT",
                "SET CONSTRAINTS ALL DEFERRED",
            ],
            migrations.RunSQL.noop,
        )
    ]
