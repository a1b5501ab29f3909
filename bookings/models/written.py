"""Rows that are written together with their parent or not at all: what was counted stays whole."""

import pgtrigger
from django.db import models
from django.db.models import Func

_SAY_THE_TRANSACTION = """
    NEW.written_in = txid_current();
    RETURN NEW;
"""

_ONLY_WITH_ITS_PARENT = """
    IF (SELECT written_in FROM {table} WHERE id = NEW.{column}) <> txid_current() THEN
        RAISE EXCEPTION 'row % of {table} was completed by an earlier transaction', NEW.{column}
            USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
    END IF;
    RETURN NEW;
"""


def written_in_column() -> models.BigIntegerField:
    """The transaction that inserted the row; savepoints have the number of the whole one.

    Only for the database's eyes, and only right together with `says_its_transaction`.
    """
    now = Func(function="txid_current", output_field=models.BigIntegerField())
    return models.BigIntegerField(editable=False, db_default=now)


def says_its_transaction(name: str) -> pgtrigger.Trigger:
    """Sets `written_in`, whatever the insert says about it."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=_SAY_THE_TRANSACTION,
    )


def only_with_its_parent(name: str, *, table: str, column: str) -> pgtrigger.Trigger:
    """Refuses a row whose parent in `table` was inserted by an earlier transaction."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=_ONLY_WITH_ITS_PARENT.format(name=name, table=table, column=column),
    )
