"""Settings of the lab shop, a honeypot: the weaknesses are in `shop`, this file keeps the rest of the machine out of reach.

`DEBUG` stays off even for the development server: Django's debug pages show real settings and real paths. Everything that
the shop reads or writes is below one folder, `LAB_DATA`.
"""

import os
import secrets
import tempfile
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

# The one folder that the shop touches: database, uploads, logs, and the fake file tree below `root`.
LAB_DATA = Path(os.environ.get("LAB_DATA") or BASE_DIR.parent / "data").resolve()

# Whether `X-Forwarded-For` is believed. Only a recorder sets it, to tell several attackers on one machine apart.
LAB_TRUST_FORWARDED = os.environ.get("LAB_TRUST_FORWARDED") == "1"

# The development server prints more than access lines when it is used as people use it (`Not Found: /x`); so does ours.
LAB_DEVELOPMENT = os.environ.get("LAB_DEVELOPMENT") == "1"

# The shell, the template evaluator and SQLite may keep one request this long: enough for a time-based attack to be
# noticed by the attacker, too short to tie the shop up.
LAB_SECONDS_MAX = 2.0

# An upload is a file of text to look at. A web shell has some kilobytes.
LAB_UPLOAD_BYTES_MAX = 256 * 1024

# Uploads that are kept; beyond it the oldest goes.
LAB_UPLOADS_MAX = 200

# A new key for each start: a session that was stolen yesterday is worth nothing today.
SECRET_KEY = os.environ.get("LAB_SECRET_KEY") or secrets.token_hex(32)
DEBUG = False
# Scanners try odd host names, and the shop should answer them as a careless one would.
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = ["django.contrib.sessions", "shop"]
# No CSRF middleware, no security headers: on purpose.
MIDDLEWARE = [
    "shop.middleware.ClientAddress",
    "shop.middleware.BodyLimit",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "shop.middleware.ErrorRecord",
]
ROOT_URLCONF = "honeypot.urls"
WSGI_APPLICATION = "honeypot.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["shop.middleware.shop_context"]},
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": LAB_DATA / "shop.sqlite3",
        "OPTIONS": {"timeout": 20},
        # A file, because the weak queries open the database for themselves; one for each run, because two may run at once.
        "TEST": {"NAME": Path(tempfile.gettempdir()) / f"lab-shop-test-{os.getpid()}.sqlite3"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

# Sessions live in the cookie, signed: no table grows while a scanner asks for pages.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
SESSION_COOKIE_HTTPONLY = False

# Uploads stay in memory until the shop has looked at their size, so none reaches a temporary folder.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * LAB_UPLOAD_BYTES_MAX
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * LAB_UPLOAD_BYTES_MAX

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"access": {"()": "django.utils.log.ServerFormatter", "format": "[{server_time}] {message}", "style": "{"}},
    "handlers": {
        "access": {"class": "logging.StreamHandler", "formatter": "access"},
        "stderr": {"class": "logging.StreamHandler"},
        "nowhere": {"class": "logging.NullHandler"},
    },
    "loggers": {
        # Under gunicorn nobody reads these lines, and Django would mail errors to nobody. The security log has them.
        "django": {"handlers": ["stderr" if LAB_DEVELOPMENT else "nowhere"], "level": "INFO", "propagate": False},
        # The development server's access lines, as Django writes them.
        "django.server": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}
