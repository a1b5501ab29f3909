"""The WSGI entry point for gunicorn."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from django.utils import translation
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# A server reads everything that its requests need before the first one comes (once for all
# workers, with gunicorn's --preload): whoever asks first does not wait for it.
get_resolver().reverse_dict  # noqa: B018
import_string(settings.BOOKINGS_TILL)
for code, _name in settings.LANGUAGES:
    with translation.override(code):
        translation.gettext("Booking")
