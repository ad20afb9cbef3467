"""Every setting of the product, read once from the environment (or `.env`); `.env.example` documents each of them.

A missing secret does not fail here, so that `manage.py up` can make one on first start.
`minirag.operations.checks` refuses to serve or to work without it.
"""

from __future__ import annotations

import gc
from pathlib import Path

import drf_spectacular_sidecar
import environ
from corsheaders.defaults import default_headers

from minirag.clock import make_schedule
from minirag.lib.redis_client import describe_for_celery, describe_for_channels
from minirag.log_settings import make_logging
from minirag.pages.appearance import UNFOLD  # noqa: F401 - a setting

# What is loaded stays: looking through it for garbage again and again is a quarter of a start (see LoadedConfig).
gc.set_threshold(0)
BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# --- The process ------------------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="")
JWT_SECRET_KEY = env("JWT_SECRET_KEY", default="")
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEY", default=[])  # the first encrypts, all decrypt
DATA_DIR = Path(env("DATA_DIR", default=str(BASE_DIR / ".data"))).resolve()
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(DATA_DIR / "files"))).resolve()
LOG_LEVEL = env("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env("LOG_FORMAT", default="json")
METRICS_TOKEN = env("METRICS_TOKEN", default="")
METRICS_TENANTS = env.list("METRICS_TENANTS", default=[])
# Of this and the other OTEL_* variables the library reads all that is not said here.
TRACES_ENDPOINT = env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", default="") or env(
    "OTEL_EXPORTER_OTLP_ENDPOINT", default=""
)
SENTRY_DSN = env("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env("SENTRY_ENVIRONMENT", default="production")
FILES_BUCKET = env("FILES_BUCKET", default="")  # s3://NAME/FOLDER, instead of MEDIA_ROOT
S3_ENDPOINT = env("S3_ENDPOINT", default="")
S3_REGION = env("S3_REGION", default="")
S3_ACCESS_KEY = env("S3_ACCESS_KEY", default="")
S3_SECRET_KEY = env("S3_SECRET_KEY", default="")
S3_PATH_STYLE = env.bool("S3_PATH_STYLE", default=bool(S3_ENDPOINT))
BACKUP_FOLDER = env("BACKUP_FOLDER", default="")
BACKUP_AT = env("BACKUP_AT", default="02:15")
BACKUPS_KEPT = env.int("BACKUPS_KEPT", default=14)
SHUTDOWN_GRACE_SECONDS = env.float("SHUTDOWN_GRACE_SECONDS", default=20.0)

# --- Where we are reached ---------------------------------------------------------------------------------------
# Tenants bring hosts of their own, so Django lets all in and the tenant middleware refuses those of nobody.
PLATFORM_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
ALLOWED_HOSTS = ["*"]
PUBLIC_URL = env("PUBLIC_URL", default="")
DOCS_URL = env("DOCS_URL", default=f"{PUBLIC_URL.rstrip('/')}/admin/help/" if PUBLIC_URL else "")
HTTPS_ONLY = env.bool("HTTPS_ONLY", default=False)
TRUST_PROXY_HEADERS = env.bool("TRUST_PROXY_HEADERS", default=False)
TRUSTED_PROXIES = env.list(
    "TRUSTED_PROXIES",
    default=["127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ORIGINS = env.list("ALLOWED_ORIGINS", default=["*"])

# --- PostgreSQL and Redis ---------------------------------------------------------------------------------------
# Only web processes pool (a pool hangs forked workers); `DATABASE_THREADS` bounds what async code may use of it.
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=0)
DATABASE_THREADS = env.int("DATABASE_THREADS", default=8)
DATABASES = {
    "default": env.db_url("DATABASE_URL", default="postgres://minirag@127.0.0.1:5432/minirag")
}
DATABASES["default"] |= {"ENGINE": "tenants.backend", "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
# A cursor that lives on the server would outlive its transaction, and behind a pooler its connection.
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
# A server whose host vanished says nothing: seconds until it counts as gone, where the kernel would wait for hours.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    **DATABASES["default"].get("OPTIONS", {}),
}
if DATABASE_POOL_SIZE:
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": DATABASE_POOL_SIZE,
        "timeout": 8,  # where all are in use; a server that refuses connections is noticed at once
        # A backend's catalogue cache grows with every tenant it touches (327 MB measured after 1,000).
        "max_lifetime": 600,
    }
DATABASE_KEPT_PLANS = env.int("DATABASE_KEPT_PLANS", default=60)  # of a connection; 0 for none
# Each tenant's schema lies whole on a worker of a Citus cluster (docs/scale.md).
DATABASE_CITUS = env.bool("DATABASE_CITUS", default=False)
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
SLOW_STATEMENT_MS = env.int("SLOW_STATEMENT_MS", default=200)
REDIS_URL = env("REDIS_URL", default="redis://127.0.0.1:6379/0")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Applications -----------------------------------------------------------------------------------------------
SHARED_APPS = [
    "minirag",
    "tenants",
    # Before django_tenants, whose admin templates would replace the theme's.
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django_tenants",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "channels",
    "corsheaders",
    "rest_framework",
]
# Admin is in both: its log of a tenant's objects is that tenant's data.
TENANT_APPS = ["django.contrib.admin", "bots", "webhooks", "knowledge", "conversations"]
INSTALLED_APPS = [*dict.fromkeys([*SHARED_APPS, *TENANT_APPS, "minirag.apps.LoadedConfig"])]
TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
PUBLIC_SCHEMA_URLCONF = "minirag.urls"
TENANT_COLOR_ADMIN_APPS = False
AUTH_USER_MODEL = "tenants.User"
# Sessions keep this name: under another one everybody is logged out.
AUTHENTICATION_BACKENDS = ["tenants.authentication.EmailBackend"]
# An e-mail is unique within its tenant; EmailBackend looks there.
# Nor do we speak for all subdomains of tenants' own hosts, or put those on the browsers' list.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "security.W005", "security.W021"]

ROOT_URLCONF = "minirag.urls"
TENANT_URLCONF = "minirag.tenant_urls"
ASGI_APPLICATION = "minirag.asgi.application"

MIDDLEWARE = [
    "minirag.serving.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "minirag.serving.static_files.StaticFilesMiddleware",
    "minirag.serving.page_policy.PagePolicyMiddleware",
    "minirag.serving.middleware.WidgetCorsMiddleware",
    "tenants.calls.middleware.TenantMiddleware",
    "minirag.serving.languages.LanguageMiddleware",
    "tenants.calls.idempotency.IdempotencyMiddleware",
    "tenants.calls.middleware.TenantSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# What `/v1` goes through; the rest of the list above is about cookies, forms and files (see minirag.serving.handlers).
API_MIDDLEWARE = [
    "minirag.serving.middleware.RequestIdMiddleware",
    next(path for path in MIDDLEWARE if path.endswith("CorsMiddleware")),
    "tenants.calls.middleware.TenantMiddleware",
    "tenants.calls.idempotency.IdempotencyMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Browser security -------------------------------------------------------------------------------------------
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY_HEADERS else None
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
# django-cors-headers: `*` reflects nothing for simple requests and the origin for credentialed ones.
CORS_ALLOW_ALL_ORIGINS = CORS_ORIGINS == ["*"]
CORS_ALLOWED_ORIGINS = [] if CORS_ALLOW_ALL_ORIGINS else CORS_ORIGINS
CORS_URLS_REGEX = r"^(/t/[^/]+)?/(v1|health)(/|$)"
CORS_PREFLIGHT_MAX_AGE = 600
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = [
    *default_headers, "idempotency-key", "if-match", "last-event-id", "mcp-method", "mcp-name", "mcp-protocol-version",
    "traceparent", "x-request-id",
]  # fmt: skip
CORS_EXPOSE_HEADERS = [
    "X-Request-ID", "X-Trace-ID", "X-Turn-ID", "Retry-After", "Link", "X-Next-Cursor", "Idempotency-Replayed",
    "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "ETag",
]  # fmt: skip

# --- Accounts ---------------------------------------------------------------------------------------------------
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "display_name")},
    },
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
    {"NAME": "minirag.lib.security.passwords.VisibleCharactersValidator"},
]
JWT_EXPIRE_MINUTES = env.int("JWT_EXPIRE_MINUTES", default=60)
ALLOW_TENANT_SIGNUP = env.bool("ALLOW_TENANT_SIGNUP", default=DEBUG)
SIGNUP_RATE = env("SIGNUP_RATE", default="10/hour")
LOGIN_RATE = env("LOGIN_RATE", default="20/minute")
PASSWORD_RESET_RATE = env("PASSWORD_RESET_RATE", default="5/hour")
REQUIRE_SECOND_FACTOR = env.bool("REQUIRE_SECOND_FACTOR", default=False)
OPERATOR_SSO_ISSUER = env("OPERATOR_SSO_ISSUER", default="").rstrip("/")
OPERATOR_SSO_CLIENT_ID = env("OPERATOR_SSO_CLIENT_ID", default="")
OPERATOR_SSO_CLIENT_SECRET = env("OPERATOR_SSO_CLIENT_SECRET", default="")
OPERATOR_SSO_DOMAINS = env.list("OPERATOR_SSO_DOMAINS", default=[])
LOGIN_LOCKOUT = env("LOGIN_LOCKOUT", default="10 per 15 minutes")
WIDGET_RATE = env("WIDGET_RATE", default="30/minute")
WIDGET_SESSION_MINUTES = env.int("WIDGET_SESSION_MINUTES", default=30)
LOGIN_REDIRECT_URL = "admin:index"

# --- Rate limits ------------------------------------------------------------------------------------------------
API_RATE = env("API_RATE", default="600/minute")
CHAT_RATE = env("CHAT_RATE", default="60/minute")
TENANT_RATE = env("TENANT_RATE", default="6000/minute")
ADDRESS_RATE = env("ADDRESS_RATE", default="120/minute")
VISITOR_RATE = env("VISITOR_RATE", default="20/minute")

# --- Models -----------------------------------------------------------------------------------------------------
DEFAULT_LLM_MODEL = env("DEFAULT_LLM_MODEL", default="minirag/extractive")
DEFAULT_REFUSAL_MODE = env("DEFAULT_REFUSAL_MODE", default="balanced")
DEFAULT_EMBEDDING_MODEL = env("DEFAULT_EMBEDDING_MODEL", default="minirag/minilm")
_E5 = "minirag/local:multilingual-e5-small"
MULTILINGUAL_EMBEDDING_MODEL = env("MULTILINGUAL_EMBEDDING_MODEL", default=_E5)
EMBEDDER_DIR = Path(env("EMBEDDER_DIR", default=str(DATA_DIR / "models" / "minilm"))).resolve()
EMBEDDER_QUANTISED = env.bool("EMBEDDER_QUANTISED", default=True)
EMBEDDER_HUB_URL = env("EMBEDDER_HUB_URL", default="")
EMBED_THREADS = env.int("EMBED_THREADS", default=2)
MODEL_TIMEOUT_SECONDS = env.float("MODEL_TIMEOUT_SECONDS", default=60.0)
MODEL_MAX_RETRIES = env.int("MODEL_MAX_RETRIES", default=2)
DIRECT_OPENAI = env.bool("DIRECT_OPENAI", default=True)
FALLBACK_LLM_MODELS = env.list("FALLBACK_LLM_MODELS", default=[])
DETACHED_TURN_SECONDS = env.float("DETACHED_TURN_SECONDS", default=120.0)
DETACHED_TURNS = env.int("DETACHED_TURNS", default=50)

# --- Knowledge --------------------------------------------------------------------------------------------------
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=10 * 1024 * 1024)
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=16 * 1024 * 1024)
BODY_SECONDS = env.int("BODY_SECONDS", default=600)
MAX_CHUNKS_PER_SOURCE = env.int("MAX_CHUNKS_PER_SOURCE", default=50_000)
SOURCE_FOLDERS = env.str("SOURCE_FOLDERS", default="")
OUTBOUND_ALLOWED_HOSTS = env.list("OUTBOUND_ALLOWED_HOSTS", default=[])
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# One more than are taken at once, so that the view says so in its own words.
DATA_UPLOAD_MAX_NUMBER_FILES = 1001
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
RERANK_TIMEOUT_SECONDS = env.float("RERANK_TIMEOUT_SECONDS", default=4.0)
CONDENSE_TIMEOUT_SECONDS = env.float("CONDENSE_TIMEOUT_SECONDS", default=4.0)
HELP_TIMEOUT_SECONDS = env.float("HELP_TIMEOUT_SECONDS", default=1.0)
NYXCORE_TIMEOUT_SECONDS = env.float("NYXCORE_TIMEOUT_SECONDS", default=3.0)
VERSIONS_KEPT = env.int("VERSIONS_KEPT", default=20)
VERSIONS_KEPT_DAYS = env.int("VERSIONS_KEPT_DAYS", default=90)
EXACT_SCAN_ROWS = env.int("EXACT_SCAN_ROWS", default=8_000)

# --- Webhooks, mail and exports ---------------------------------------------------------------------------------
WEBHOOK_RETENTION_DAYS = env.int("WEBHOOK_RETENTION_DAYS", default=30)
# Without a server no mail is sent; `consolemail://` prints it.
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("EMAIL_FROM", default="minirag@localhost")
HOST_PROOF_DAYS = env.int("HOST_PROOF_DAYS", default=14)
EXPORT_RETENTION_DAYS = env.int("EXPORT_RETENTION_DAYS", default=7)
EXPORTS_AT_ONCE = env.int("EXPORTS_AT_ONCE", default=2)

# --- Celery -----------------------------------------------------------------------------------------------------
CELERY_BROKER_URL, CELERY_BROKER_USE_SSL, _BROKER = describe_for_celery(REDIS_URL)
LONG_JOBS_PER_TENANT = env.int("LONG_JOBS_PER_TENANT", default=0)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = env.int("TASK_TIME_LIMIT_SECONDS", default=1800)
CELERY_TASK_SOFT_TIME_LIMIT = CELERY_TASK_TIME_LIMIT - 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Longer than the time limit, or a running task would be handed out twice; swept often, so that a killed worker's
# message comes back within seconds after that instead of 100 s later.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": CELERY_TASK_TIME_LIMIT + 600, "unacked_restore_interval": 5, "unacked_restore_throttle": 1,
    "socket_timeout": 30, "global_keyprefix": "minirag:celery:", **_BROKER,
}  # fmt: skip
CELERY_BEAT_SCHEDULER = "minirag.ticking:Scheduler"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = make_schedule(BACKUP_AT if BACKUP_FOLDER else "")

# --- Channels, cache --------------------------------------------------------------------------------------------
# A silent Redis holds up nobody who only wakes an open page.
_HOST = describe_for_channels(REDIS_URL, socket_connect_timeout=2.0, socket_timeout=2.0)
CHANNEL_LAYERS = {"default": {
    "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [_HOST], "prefix": "minirag"},
}}  # fmt: skip
CACHES = {"default": {
    "BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": [REDIS_URL],
    "KEY_FUNCTION": "tenants.context.make_cache_key", "OPTIONS": {"pool_class": "minirag.lib.redis_client.CachePool"},
}}  # fmt: skip

# --- Time, language, statics ------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # of our own pages; bots speak more
FORMAT_MODULE_PATH = ["minirag.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
# Of the sidecar only Swagger UI: Redoc, which comes with it, calls other servers.
_SIDECAR = Path(drf_spectacular_sidecar.__path__[0], "static/drf_spectacular_sidecar")
SWAGGER_UI_DIR = _SIDECAR / "swagger-ui-dist"
STATICFILES_DIRS = [BASE_DIR / "static", ("swagger-ui", SWAGGER_UI_DIR)]
# From a checkout the files are served where they lie, and packed when they are asked for; an image collects and packs
# them once.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = not STATIC_ROOT.exists()

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tenants.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["tenants.calls.permissions.HasTenant"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [],  # bodies are read with minirag.lib.http_in.rest.read_body
    "EXCEPTION_HANDLER": "minirag.lib.http_in.rest.render_error",
    "UNAUTHENTICATED_USER": None,
}

LOGGING = make_logging(LOG_FORMAT, LOG_LEVEL)
