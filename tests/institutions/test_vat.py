"""VAT rates from day to day: who sets them, what is refused, what the database keeps."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from institutions.actions.set_vat_rate import set_vat_rate
from institutions.models import Role, User, VatRate
from institutions.vat import rate_on
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.conftest import Cast

TODAY = date(2026, 3, 2)
APRIL, MAY = date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def administrator(cast: Cast) -> User:
    return f.person(cast.shanghai_lab, Role.ADMINISTRATOR)


def put(cast: Cast, by: User, rate: str, day: date) -> VatRate:
    return set_vat_rate(
        by=by,
        institution=cast.shanghai_lab,
        rate=Decimal(rate),
        valid_from=day,
        at=f.MONDAY,
    )


def rates(cast: Cast) -> list[tuple[str, date | None, date | None]]:
    found = VatRate.objects.filter(institution=cast.shanghai_lab).order_by("valid")
    return [(f"{one.rate:f}", one.valid.lower, one.valid.upper) for one in found]


def test_without_any_the_usual_rate_holds(cast: Cast) -> None:
    assert rate_on(cast.shanghai_lab, TODAY) == Decimal("0.06")


def test_a_new_rate_ends_the_one_in_force_and_leaves_a_later_one(
    cast: Cast, administrator: User
) -> None:
    f.vat_rate(cast.shanghai_lab, Decimal("0.060"))
    put(cast, administrator, "0.13", MAY)
    put(cast, administrator, "0.09", APRIL)
    assert rates(cast) == [("0.060", None, APRIL), ("0.090", APRIL, MAY), ("0.130", MAY, None)]
    days = (date(2026, 3, 31), APRIL, date(2026, 4, 30), MAY)
    assert [rate_on(cast.shanghai_lab, day) for day in days] == [
        Decimal("0.06"),
        Decimal("0.09"),
        Decimal("0.09"),
        Decimal("0.13"),
    ]
    assert rate_on(cast.suzhou_firm, MAY) == Decimal("0.06")


def test_the_first_one_leaves_the_days_before_as_they_were(cast: Cast, administrator: User) -> None:
    put(cast, administrator, "0.13", APRIL)
    put(cast, administrator, "0.03", TODAY)
    assert rates(cast) == [("0.030", TODAY, APRIL), ("0.130", APRIL, None)]


def test_a_rate_from_the_same_day_takes_its_place_and_the_history_keeps_both(
    cast: Cast, administrator: User
) -> None:
    put(cast, administrator, "0.13", APRIL)
    put(cast, administrator, "0.09", APRIL)
    assert rates(cast) == [("0.090", APRIL, None)]
    events = VatRate.pgh_event_model.objects.order_by("pgh_id")  # type: ignore[attr-defined]
    assert [(one.rate, one.pgh_context.metadata["user"]) for one in events] == [
        (Decimal("0.13"), administrator.pk),
        (Decimal("0.09"), administrator.pk),
    ]


@pytest.mark.parametrize(
    ("rate", "day", "code"),
    [
        ("1", APRIL, "vat_rate_out_of_range"),
        ("-0.01", APRIL, "vat_rate_out_of_range"),
        ("NaN", APRIL, "vat_rate_out_of_range"),
        ("0.13", date(2026, 3, 1), "vat_rate_in_the_past"),
    ],
)
def test_refuses_what_cannot_be(
    cast: Cast, administrator: User, rate: str, day: date, code: str
) -> None:
    with pytest.raises(Refused) as caught:
        put(cast, administrator, rate, day)
    assert [refusal.code for refusal in caught.value.refusals] == [code]
    assert not VatRate.objects.exists()


def test_nobody_else_sets_it(cast: Cast) -> None:
    elsewhere = f.person(cast.suzhou_firm, Role.ADMINISTRATOR)
    for person in (cast.billing_office, cast.manager, cast.stranger, elsewhere):
        with pytest.raises(NotAllowed):
            put(cast, person, "0.13", APRIL)


def refused(name: str, sql: str, *values: object) -> None:
    with (
        pytest.raises(DatabaseError, match=name),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql, values)


def test_the_database_keeps_the_rates_apart_and_their_first_days(cast: Cast) -> None:
    f.vat_rate(cast.shanghai_lab, Decimal("0.06"), APRIL)
    table = "institutions_vatrate"
    insert = f"INSERT INTO {table} (institution_id, rate, valid) VALUES (%s, %s, %s)"
    lab, firm = cast.shanghai_lab.pk, cast.suzhou_firm.pk
    refused("vat_rate_no_overlap", insert, lab, "0.13", DateRange(MAY, None))
    refused("vat_rate_a_share", insert, firm, "1", DateRange(MAY, None))
    refused("vat_rate_a_share", insert, firm, "NaN", DateRange(MAY, None))
    refused("vat_rate_has_days", insert, firm, "0.13", DateRange(MAY, MAY))
    refused("Cannot delete", f"DELETE FROM {table}")
    refused("Cannot update", f"UPDATE {table} SET institution_id = %s", firm)
    refused("Cannot update", f"UPDATE {table} SET valid = %s", DateRange(MAY, None))
