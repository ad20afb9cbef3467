"""Who may open which URL of the admins: a status each, in the order of the people. `test_admin_access.py` compares.

A GET alone is told: 405 is an act that takes a POST, 302 a way to the log-in, or on to where one belongs. A page that
asks before it acts opens for whom it may act for.
"""

from __future__ import annotations

from typing import Final

TENANT: Final[dict[str, str]] = {
    # owner admin editor agent viewer operator globex nobody
    "200 200 200 200 200 200 302 302": r"""
        ^(?P<app_label>tenants|admin|bots|webhooks|knowledge|conversations)/$ account/ bots/botdraft/
        bots/botdraft/<path:object_id>/change/ bots/botdraft/<path:object_id>/history/
        bots/botdraft/of/<uuid:bot_id>/ bots/botprofile/ bots/botprofile/<path:object_id>/change/
        bots/botprofile/<path:object_id>/history/ bots/botprofile/<uuid:bot_id>/appearance/
        bots/botprofile/<uuid:bot_id>/appearance/preview/ bots/botprofile/models/ bots/botversion/
        bots/botversion/<path:object_id>/change/ bots/botversion/<path:object_id>/history/ bots/priceoverride/
        bots/priceoverride/<path:object_id>/change/ bots/priceoverride/<path:object_id>/history/
        bots/providercredential/ bots/providercredential/<path:object_id>/change/
        bots/providercredential/<path:object_id>/history/ bots/qualitygate/
        bots/qualitygate/<path:object_id>/change/ bots/qualitygate/<path:object_id>/history/ bots/quota/
        bots/quota/<path:object_id>/change/ bots/quota/<path:object_id>/history/ bots/quota/plan/ bots/quotause/
        bots/quotause/<path:object_id>/change/ bots/quotause/<path:object_id>/history/ bots/scope/
        bots/scope/<path:object_id>/change/ bots/scope/<path:object_id>/history/ bots/usageevent/
        bots/usageevent/<path:object_id>/change/ bots/usageevent/<path:object_id>/history/
        conversations/handoffrules/ conversations/handoffrules/<path:object_id>/change/
        conversations/handoffrules/<path:object_id>/history/ help/<slug:page>/ index jsi18n/ knowledge/chunk/
        knowledge/chunk/<path:object_id>/change/ knowledge/chunk/<path:object_id>/history/ knowledge/correction/
        knowledge/correction/<path:object_id>/change/ knowledge/correction/<path:object_id>/history/
        knowledge/curatedanswer/ knowledge/curatedanswer/<path:object_id>/change/
        knowledge/curatedanswer/<path:object_id>/history/ knowledge/dataset/
        knowledge/dataset/<path:object_id>/change/ knowledge/dataset/<path:object_id>/history/ knowledge/document/
        knowledge/document/<path:object_id>/change/ knowledge/document/<path:object_id>/history/
        knowledge/document/<path:object_id>/read/ knowledge/documentversion/
        knowledge/documentversion/<path:object_id>/change/ knowledge/documentversion/<path:object_id>/history/
        knowledge/sitepage/ knowledge/sitepage/<path:object_id>/change/ knowledge/sitepage/<path:object_id>/history/
        knowledge/sitesync/ knowledge/sitesync/<path:object_id>/change/ knowledge/sitesync/<path:object_id>/history/
        knowledge/source/ knowledge/source/<path:object_id>/change/ knowledge/source/<path:object_id>/history/
        knowledge/source/tree/ password_change/ password_change/done/ prove/ search/ second-factor/set-up/
        tenants/apitoken/ tenants/apitoken/add/ tenants/user/ tenants/user/<path:object_id>/change/
        tenants/user/<path:object_id>/history/ webhooks/delivery/ webhooks/delivery/<path:object_id>/change/
        webhooks/delivery/<path:object_id>/history/ webhooks/webhook/ webhooks/webhook/<path:object_id>/change/
        webhooks/webhook/<path:object_id>/history/
    """,
    "200 200 200 403 403 200 302 302": r"""
        bots/botdraft/<path:object_id>/discard/ bots/botdraft/<path:object_id>/measure/
        bots/botdraft/<path:object_id>/publish/ bots/botprofile/<path:object_id>/forget_identity_secret/
        bots/botprofile/<path:object_id>/new_identity_secret/ bots/botprofile/add/
        bots/botversion/<path:object_id>/bring_back/ bots/qualitygate/<path:object_id>/delete/ bots/qualitygate/add/
        bots/scope/<path:object_id>/delete/ bots/scope/add/ conversations/evaluationrun/<path:object_id>/cancel/
        conversations/evaluationrun/<path:object_id>/remove/ conversations/evaluationrun/<path:object_id>/retry/
        conversations/evaluationrun/order/ conversations/gap/<path:object_id>/answer/
        conversations/gap/<path:object_id>/dismiss/ conversations/gap/<path:object_id>/draft/
        conversations/gap/<path:object_id>/reopen/ conversations/goldenquestion/<path:object_id>/delete/
        conversations/goldenquestion/add/ conversations/goldenquestion/import/
        conversations/handoffrules/<path:object_id>/delete/ conversations/handoffrules/add/
        knowledge/chunk/<path:object_id>/correct/ knowledge/chunk/<path:object_id>/pin/
        knowledge/chunk/<path:object_id>/switch_off/ knowledge/chunk/add-by-hand/
        knowledge/correction/<path:object_id>/change_text/ knowledge/correction/<path:object_id>/drop/
        knowledge/correction/<path:object_id>/keep_mine/ knowledge/correction/<path:object_id>/switch_on/
        knowledge/correction/<path:object_id>/take_theirs/ knowledge/correction/<path:object_id>/undo/
        knowledge/curatedanswer/<path:object_id>/delete/ knowledge/curatedanswer/add/ knowledge/dataset/add/
        knowledge/document/<path:object_id>/edit_text/ knowledge/document/<path:object_id>/keep_edit/
        knowledge/document/<path:object_id>/take_from_source/ knowledge/document/<path:object_id>/undo_edit/
        knowledge/documentversion/<path:object_id>/bring_back/ knowledge/sitesync/<path:object_id>/approve/
        knowledge/sitesync/<path:object_id>/reject/ knowledge/source/<path:object_id>/cancel/
        knowledge/source/<path:object_id>/delete/ knowledge/source/<path:object_id>/ingest/
        knowledge/source/<path:object_id>/replace/ knowledge/source/add/
    """,
    "403 403 403 403 403 403 302 302": r"""
        admin/logentry/<path:object_id>/delete/ admin/logentry/add/ autocomplete/
        bots/botdraft/<path:object_id>/delete/ bots/botdraft/add/ bots/botprofile/<path:object_id>/delete/
        bots/botversion/<path:object_id>/delete/ bots/botversion/add/ bots/quotause/<path:object_id>/delete/
        bots/quotause/add/ bots/usageevent/<path:object_id>/delete/ bots/usageevent/add/
        conversations/chat/<path:object_id>/delete/ conversations/chat/add/
        conversations/evaluationrun/<path:object_id>/delete/ conversations/evaluationrun/add/
        conversations/exportjob/<path:object_id>/delete/ conversations/exportjob/add/
        conversations/gap/<path:object_id>/delete/ conversations/gap/add/
        conversations/handoff/<path:object_id>/delete/ conversations/handoff/add/
        knowledge/chunk/<path:object_id>/delete/ knowledge/chunk/add/ knowledge/correction/<path:object_id>/delete/
        knowledge/correction/add/ knowledge/dataset/<path:object_id>/delete/
        knowledge/document/<path:object_id>/delete/ knowledge/document/add/
        knowledge/documentversion/<path:object_id>/delete/ knowledge/documentversion/add/
        knowledge/sitepage/<path:object_id>/delete/ knowledge/sitepage/add/
        knowledge/sitesync/<path:object_id>/delete/ knowledge/sitesync/add/
        tenants/apitoken/<path:object_id>/delete/ tenants/auditevent/<path:object_id>/delete/
        tenants/auditevent/add/ tenants/user/<path:object_id>/delete/ webhooks/delivery/<path:object_id>/delete/
        webhooks/delivery/add/
    """,
    "302 302 302 302 302 302 302 302": r"""
        admin/logentry/<path:object_id>/ bots/botdraft/<path:object_id>/ bots/botprofile/<path:object_id>/
        bots/botversion/<path:object_id>/ bots/priceoverride/<path:object_id>/
        bots/providercredential/<path:object_id>/ bots/qualitygate/<path:object_id>/ bots/quota/<path:object_id>/
        bots/quotause/<path:object_id>/ bots/scope/<path:object_id>/ bots/usageevent/<path:object_id>/
        conversations/cannedanswer/<path:object_id>/ conversations/chat/<path:object_id>/
        conversations/evaluationrun/<path:object_id>/ conversations/exportjob/<path:object_id>/
        conversations/gap/<path:object_id>/ conversations/goldenquestion/<path:object_id>/
        conversations/handoff/<path:object_id>/ conversations/handoffrules/<path:object_id>/
        knowledge/chunk/<path:object_id>/ knowledge/correction/<path:object_id>/
        knowledge/curatedanswer/<path:object_id>/ knowledge/dataset/<path:object_id>/
        knowledge/document/<path:object_id>/ knowledge/document/of/<uuid:chunk_id>/
        knowledge/documentversion/<path:object_id>/ knowledge/sitepage/<path:object_id>/
        knowledge/sitesync/<path:object_id>/ knowledge/source/<path:object_id>/ language/ second-factor/
        tenants/apitoken/<path:object_id>/ tenants/auditevent/<path:object_id>/ tenants/user/<path:object_id>/
        webhooks/delivery/<path:object_id>/ webhooks/webhook/<path:object_id>/
    """,
    "200 200 200 200 403 200 302 302": r"""
        admin/logentry/ admin/logentry/<path:object_id>/change/ admin/logentry/<path:object_id>/history/
        conversations/cannedanswer/ conversations/cannedanswer/<path:object_id>/change/
        conversations/cannedanswer/<path:object_id>/history/ conversations/chat/
        conversations/chat/<path:object_id>/change/ conversations/chat/<path:object_id>/history/
        conversations/chat/explain/ conversations/evaluationrun/
        conversations/evaluationrun/<path:object_id>/change/ conversations/evaluationrun/<path:object_id>/history/
        conversations/exportjob/ conversations/exportjob/<path:object_id>/change/
        conversations/exportjob/<path:object_id>/download/ conversations/exportjob/<path:object_id>/history/
        conversations/gap/ conversations/gap/<path:object_id>/change/ conversations/gap/<path:object_id>/history/
        conversations/goldenquestion/ conversations/goldenquestion/<path:object_id>/change/
        conversations/goldenquestion/<path:object_id>/history/ conversations/handoff/
        conversations/handoff/<path:object_id>/change/ conversations/handoff/<path:object_id>/history/
    """,
    "200 200 403 403 403 200 302 302": r"""
        bots/priceoverride/<path:object_id>/delete/ bots/priceoverride/add/
        bots/providercredential/<path:object_id>/delete/ bots/providercredential/<path:object_id>/try_key/
        bots/providercredential/add/ bots/quota/<path:object_id>/delete/ bots/quota/add/
        conversations/chat/<path:object_id>/delete_chat/ conversations/chat/<path:object_id>/delete_visitor/
        conversations/chat/export/ conversations/chat/retention/ conversations/exportjob/<path:object_id>/retry/
        settings/ sso/ tenants/auditevent/ tenants/auditevent/<path:object_id>/change/
        tenants/auditevent/<path:object_id>/history/ tenants/auditevent/export/<slug:form>/ tenants/user/add/
        webhooks/delivery/<path:object_id>/redeliver/ webhooks/webhook/<path:object_id>/delete/
        webhooks/webhook/<path:object_id>/redeliver_failed/ webhooks/webhook/<path:object_id>/rotate/
        webhooks/webhook/<path:object_id>/test/ webhooks/webhook/add/
    """,
    "405 405 405 405 405 405 302 302": r"""
        account/<slug:act>/ bots/botdraft/try/<uuid:bot_id>/
        bots/botdraft/try/<uuid:bot_id>/<str:name>/<str:request_id>/golden/
        conversations/chat/<path:object_id>/golden/<uuid:message_id>/ conversations/chat/<path:object_id>/note/
        conversations/chat/<path:object_id>/note/<uuid:note_id>/delete/ conversations/chat/<path:object_id>/tags/
        conversations/handoff/<path:object_id>/close/ conversations/handoff/<path:object_id>/hand-back/
        conversations/handoff/<path:object_id>/join/ conversations/handoff/<path:object_id>/release/
        conversations/handoff/<path:object_id>/say/ conversations/handoff/<path:object_id>/take-over/
        knowledge/document/<path:object_id>/read/act/ knowledge/source/preview/ knowledge/source/tree/act/
        knowledge/source/upload/ leave/ logout/
    """,
    "200 403 403 403 403 200 302 302": r"""
        tenants/user/<path:object_id>/end_sessions/ tenants/user/<path:object_id>/invite_again/
        tenants/user/<path:object_id>/reset_second_factor/ tenants/user/<path:object_id>/revoke_invitation/
        tenants/user/<path:object_id>/set_password/
    """,
    "404 404 404 404 404 404 404 404": r"""
        sso/callback/ sso/start/
    """,
    "200 200 404 404 404 200 302 302": r"""
        tenants/apitoken/<path:object_id>/change/ tenants/apitoken/<path:object_id>/revoke/
    """,
    "200 200 403 200 403 200 302 302": r"""
        conversations/cannedanswer/<path:object_id>/delete/ conversations/cannedanswer/add/
    """,
    "404 404 404 404 404 404 302 302": r"""
        (?P<url>.*)$ bots/botdraft/try/<uuid:bot_id>/<str:name>/<str:request_id>/
    """,
    "302 302 302 302 302 200 302 302": r"""
        enter/
    """,
    "200 200 200 200 200 200 200 200": r"""
        forgotten/
    """,
    "410 410 410 410 410 410 410 410": r"""
        set-password/
    """,
    "302 302 302 302 302 302 200 200": r"""
        login/
    """,
    "200 403 404 404 404 200 302 302": r"""
        tenants/apitoken/<path:object_id>/rotate/
    """,
    "200 200 302 302 302 200 302 302": r"""
        tenants/apitoken/<path:object_id>/history/
    """,
    "302 302 302 403 403 302 302 302": r"""
        conversations/handoff/<path:object_id>/curate/<uuid:message_id>/
    """,
}
PLATFORM: Final[dict[str, str]] = {
    # operator owner nobody
    "200 302 302": r"""
        ^(?P<app_label>django_celery_beat|tenants|admin)/$ account/ admin/logentry/
        admin/logentry/<path:object_id>/change/ admin/logentry/<path:object_id>/history/
        django_celery_beat/crontabschedule/ django_celery_beat/crontabschedule/<path:object_id>/change/
        django_celery_beat/crontabschedule/<path:object_id>/history/ django_celery_beat/crontabschedule/add/
        django_celery_beat/intervalschedule/ django_celery_beat/intervalschedule/<path:object_id>/change/
        django_celery_beat/intervalschedule/<path:object_id>/history/ django_celery_beat/intervalschedule/add/
        django_celery_beat/periodictask/ django_celery_beat/periodictask/<path:object_id>/change/
        django_celery_beat/periodictask/<path:object_id>/history/ django_celery_beat/periodictask/health/
        django_celery_beat/periodictask/slow-statements/
        help/<slug:page>/ index jsi18n/ password_change/ password_change/done/ prove/ search/ second-factor/set-up/
        tenants/apitoken/ tenants/apitoken/<path:object_id>/change/ tenants/apitoken/<path:object_id>/history/
        tenants/apitoken/<path:object_id>/revoke/ tenants/apitoken/<path:object_id>/rotate/ tenants/apitoken/add/
        tenants/auditevent/ tenants/auditevent/<path:object_id>/change/ tenants/auditevent/<path:object_id>/history/
        tenants/auditevent/export/<slug:form>/ tenants/domain/ tenants/domain/<path:object_id>/change/
        tenants/domain/<path:object_id>/delete/ tenants/domain/<path:object_id>/history/ tenants/domain/add/
        tenants/erasurereceipt/ tenants/erasurereceipt/<path:object_id>/change/
        tenants/erasurereceipt/<path:object_id>/download/ tenants/erasurereceipt/<path:object_id>/history/
        tenants/operatorentry/ tenants/operatorentry/<path:object_id>/change/
        tenants/operatorentry/<path:object_id>/end/ tenants/operatorentry/<path:object_id>/history/
        tenants/operatortoken/ tenants/operatortoken/<path:object_id>/change/
        tenants/operatortoken/<path:object_id>/history/ tenants/plan/ tenants/plan/<path:object_id>/change/
        tenants/plan/<path:object_id>/delete/ tenants/plan/<path:object_id>/history/ tenants/plan/add/
        tenants/schemamigration/ tenants/schemamigration/<path:object_id>/change/
        tenants/schemamigration/<path:object_id>/history/ tenants/tenant/ tenants/tenant/<path:object_id>/archive/
        tenants/tenant/<path:object_id>/change/ tenants/tenant/<path:object_id>/copy/
        tenants/tenant/<path:object_id>/erase/ tenants/tenant/<path:object_id>/export/
        tenants/tenant/<path:object_id>/history/ tenants/tenant/<path:object_id>/pause/
        tenants/tenant/<path:object_id>/resume/ tenants/tenant/<path:object_id>/suspend/ tenants/tenant/add/
        tenants/tenant/figures/ tenants/tenant/pause-all/ tenants/tenant/resume-all/ tenants/tenanttransfer/
        tenants/tenanttransfer/<path:object_id>/change/ tenants/tenanttransfer/<path:object_id>/history/
        tenants/tenanttransfer/<path:object_id>/cancel/ tenants/tenanttransfer/<path:object_id>/remove/
        tenants/tenanttransfer/import_tenant/ tenants/user/
        tenants/user/<path:object_id>/change/ tenants/user/<path:object_id>/end_sessions/
        tenants/user/<path:object_id>/history/ tenants/user/<path:object_id>/invite_again/
        tenants/user/<path:object_id>/reset_second_factor/ tenants/user/<path:object_id>/revoke_invitation/
        tenants/user/<path:object_id>/set_password/ tenants/user/add/
    """,
    "403 302 302": r"""
        admin/logentry/<path:object_id>/delete/ admin/logentry/add/ autocomplete/
        django_celery_beat/crontabschedule/<path:object_id>/delete/
        django_celery_beat/intervalschedule/<path:object_id>/delete/
        django_celery_beat/periodictask/<path:object_id>/delete/ django_celery_beat/periodictask/add/
        tenants/apitoken/<path:object_id>/delete/ tenants/auditevent/<path:object_id>/delete/
        tenants/auditevent/add/ tenants/erasurereceipt/<path:object_id>/delete/ tenants/erasurereceipt/add/
        tenants/operatorentry/<path:object_id>/delete/ tenants/operatorentry/add/
        tenants/operatortoken/<path:object_id>/delete/ tenants/operatortoken/add/
        tenants/schemamigration/<path:object_id>/delete/ tenants/schemamigration/add/
        tenants/tenant/<path:object_id>/delete/ tenants/tenant/<path:object_id>/restore/
        tenants/tenanttransfer/<path:object_id>/delete/ tenants/tenanttransfer/add/
        tenants/user/<path:object_id>/delete/
    """,
    "302 302 302": r"""
        admin/logentry/<path:object_id>/ django_celery_beat/crontabschedule/<path:object_id>/
        django_celery_beat/intervalschedule/<path:object_id>/ django_celery_beat/periodictask/<path:object_id>/
        language/ second-factor/ tenants/apitoken/<path:object_id>/ tenants/auditevent/<path:object_id>/
        tenants/domain/<path:object_id>/ tenants/erasurereceipt/<path:object_id>/
        tenants/operatorentry/<path:object_id>/ tenants/operatortoken/<path:object_id>/
        tenants/plan/<path:object_id>/ tenants/schemamigration/<path:object_id>/ tenants/tenant/<path:object_id>/
        tenants/tenanttransfer/<path:object_id>/ tenants/tenanttransfer/<path:object_id>/download/
        tenants/tenanttransfer/<path:object_id>/receipt/
        tenants/user/<path:object_id>/
    """,
    "405 302 302": r"""
        account/<slug:act>/ logout/
    """,
    "404 404 404": r"""
        sso/callback/ sso/start/
    """,
    "200 200 200": r"""
        forgotten/
    """,
    "410 410 410": r"""
        set-password/
    """,
    "302 200 200": r"""
        login/
    """,
    "404 302 302": r"""
        (?P<url>.*)$
    """,
}
