"""The embedded PostgreSQL: the database of a checkout that was given no other.

`database_settings()` says how Django reaches it and does nothing else; `server.running()` starts
it and stops it again; `python -m config.embedded` is the same for a shell. None of it is used when
`DATABASE_URL` is set.
"""

import os
from typing import Any

from config.embedded.places import DATABASE, PORT, USER, Place


def database_settings() -> dict[str, Any]:
    """The entry of `DATABASES` for the embedded server, whether or not it runs at the moment.

    Starts nothing and touches no file. `requirepeer` makes the client refuse a server that another
    user has put where ours should be, since no password is asked over the socket.
    """
    place = Place.current()
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ.get("YITONG_EMBEDDED_NAME") or DATABASE,
        "USER": USER,
        "PASSWORD": "",
        "HOST": str(place.socket_dir),
        "PORT": str(PORT),
        "OPTIONS": {"requirepeer": place.account.name} if place.account.name else {},
    }
