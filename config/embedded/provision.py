"""What a running embedded server must hold before the project can use it."""

import psycopg
from psycopg import sql

from config.embedded.places import DATABASE, PORT, SUPERUSER, USER, Place

TEST_RUNS = "SELECT datname FROM pg_database WHERE datname ~ '^test_yitong_[0-9]+$'"


def connect(place: Place) -> psycopg.Connection:
    """Connect as the superuser; each statement commits by itself."""
    return psycopg.connect(
        host=str(place.socket_dir),
        port=PORT,
        user=SUPERUSER,
        dbname="postgres",
        requirepeer=place.account.name,
        connect_timeout=10,
        autocommit=True,
    )


def provide_database(place: Place) -> None:
    """Have the database, owned by an ordinary role as it would be on any other server."""
    role, database = sql.Identifier(USER), sql.Identifier(DATABASE)
    with connect(place) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [USER]).rowcount:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if not found.rowcount:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))


def drop_left_test_databases(place: Place) -> None:
    """Drop the databases of test runs that were killed; only for a server nobody uses yet."""
    with connect(place) as connection:
        for (name,) in connection.execute(TEST_RUNS).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
