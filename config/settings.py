"""Settings, all of them overridable by environment variables; safe by default."""

import logging
from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import embedded, local_secret

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="") or local_secret.secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_filters",
    "django_htmx",
    "django_prometheus",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
    "rest_framework",
    "schedule",
    "template_partials",
    "institutions",
    "instruments",
    "bookings",
    "billing",
    "demo",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "institutions.middleware.PersonLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.problems.LengthRequiredMiddleware",
    "config.problems.NothingBehindNulMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.problems.PageProblemMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "config.context.places",
                "instruments.pages.context.demo_notice",
            ],
        },
    },
]

# --- database -------------------------------------------------------------------------------
_database_url = env("DATABASE_URL", default="")
EMBEDDED_DATABASE = not _database_url
_database = env.db_url_config(_database_url) if _database_url else embedded.database_settings()
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            # A lock that is not had in time is answered with 503 `busy`, never with a hang.
            "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "institutions.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "institutions.accounts.AccountAdapter"
ACCOUNT_SESSION_REMEMBER = None
# One counter for all ways in and all workers: django-axes keeps it in the database.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURE_LIMIT", default=10)
AXES_COOLOFF_TIME = env.float("SIGN_IN_COOLOFF_HOURS", default=0.25)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "institutions.accounts.attempted_email"
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "institutions.accounts.locked_out"
AXES_DISABLE_ACCESS_LOG = True
API_TOKEN_DAYS = env.int("API_TOKEN_DAYS", default=30)

# --- languages and time ---------------------------------------------------------------------
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Simplified Chinese")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_NAME = "language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
FORMAT_MODULE_PATH = ["config.formats"]

# --- files ----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env(
            "STATICFILES_BACKEND",
            # Over loopback compression gains nothing, and it takes half a minute to make.
            default="django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
            if EMBEDDED_DATABASE
            else "whitenoise.storage.CompressedManifestStaticFilesStorage",
        )
    },
}
MEDIA_ROOT = BASE_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# --- the API --------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "institutions.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.api.negotiation.AsDocumented",
    # `?format=` is nobody's filter and would be a 404 on every endpoint.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_METADATA_CLASS": "config.api.metadata.NoForms",
    "DEFAULT_PAGINATION_CLASS": "config.api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.problems.api_problem",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.ScopedRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"sign_in": env("SIGN_IN_RATE", default="") or None},
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Yitong",
    "DESCRIPTION": "Booking of large shared scientific instruments across cities.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.api.everywhere.add_answers",
        "config.api.everywhere.close_exact",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ApprovalPolicy": "bookings.models.rule_shapes.Policy",
        "BookingRuleKind": "bookings.models.rule_shapes.RuleKind",
        "BookingState": "bookings.states.State",
        "ClosureKind": "bookings.models.ClosureKind",
        "RequestKind": "bookings.models.RequestKind",
        "RequestState": "bookings.request_states.RequestState",
        "SampleState": "bookings.request_states.SampleState",
        "TimeUnit": "bookings.models.TimeUnit",
        "ProblemState": "bookings.models.ProblemState",
        "SegmentKind": "bookings.models.SegmentKind",
        "SignOffState": "bookings.models.SignOffState",
        "JoinState": "institutions.models.JoinState",
        "AllotmentApplicationState": "billing.states.ApplicationState",
        "CertificateKind": "billing.models.CertificateKind",
        "EnterpriseSize": "billing.models.EnterpriseSize",
        "EvidenceKind": "billing.models.Evidence",
        "InstitutionKind": "institutions.models.InstitutionKind",
        "RedemptionState": "billing.states.RedemptionState",
        "ServiceKind": "instruments.models.instrument.ServiceKind",
        "ChargeKind": "billing.models.ChargeKind",
        "ContractState": "billing.states.ContractState",
        "HourKind": "billing.models.HourKind",
        "PriceUnit": "instruments.models.Unit",
        "ChargeState": "billing.states.ChargeState",
        "BuyerKind": "billing.models.BuyerKind",
        "DispatchKind": "billing.models.DispatchKind",
        "DispatchState": "billing.states.DispatchState",
        "FapiaoKind": "billing.models.FapiaoKind",
        "FapiaoState": "billing.states.FapiaoState",
        "StatementKind": "billing.models.StatementKind",
        "StatementState": "billing.states.StatementState",
        "WriteOffState": "billing.states.WriteOffState",
        "QualificationRequestState": "instruments.models.RequestState",
        "TrainingPlaceState": "bookings.models.PlaceState",
        "TrainingSessionState": "bookings.models.SessionState",
        "ViolationKind": "bookings.models.ViolationKind",
        "ViolationState": "bookings.models.ViolationState",
        "InstrumentStatus": "instruments.models.instrument.InstrumentStatus",
        "ShownStatus": ["active", "out_of_service", "retired", "broken"],
        "UserClass": ["internal", "academic", "industry", "foreign"],
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- the parts of the house -----------------------------------------------------------------
BOOKINGS_TILL = "billing.till.Till"

# --- security -------------------------------------------------------------------------------
HTTPS = env.bool("HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/admin/", "/api/docs/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # The hash is that of nothing: FullCalendar makes one empty <style> element and fills it
        # rule by rule, which the policy allows; styles that carry text are still refused.
        "style-src": [SELF, "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- mail, jobs, logs -----------------------------------------------------------------------
_email = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _email.get("EMAIL_HOST"), _email.get("EMAIL_PORT")
EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
# A mail's row is locked while it is sent: a server that says nothing must not hold it for long.
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Yitong <no-reply@localhost>")
# One line of JSON an event, with the request's id and the person's number, never a name.
_EVENT_STEPS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[*_EVENT_STEPS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
# What a client did wrong is his answer, not our alarm.
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _EVENT_STEPS,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="WARNING")},
    "loggers": {"django.request": {"level": "CRITICAL"}, "axes": {"level": "ERROR"}},
}
