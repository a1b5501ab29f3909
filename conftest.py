"""Tests run on the embedded test cluster, unless DATABASE_URL names another server."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, django_db_modify_db_settings_parallel_suffix: None
) -> Iterator[None]:
    """Start the cluster for the first test that needs a database; stop it after the last one.

    Each run has a database of its own, so that two runs in one checkout leave each other alone.
    What a killed run left behind goes when the cluster is started next.
    """
    if os.environ.get("DATABASE_URL"):
        yield
        return
    from django.db import connection

    from config.embedded.server import Server

    with Server().running():
        if not request.config.getvalue("reuse_db"):
            name = f"test_yitong_{os.getpid()}"
            connection.settings_dict["TEST"]["NAME"] = name
            # A server that a test starts finds the same database.
            os.environ["YITONG_EMBEDDED_NAME"] = name
        yield
