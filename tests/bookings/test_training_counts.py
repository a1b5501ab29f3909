"""Whose training counts where: levels, techniques, other institutions, and flags for the future."""

from datetime import date

import pytest
from django.db.backends.postgresql.psycopg_any import DateRange

from bookings import queries
from bookings.models import Booking
from bookings.till import Wish
from instruments.models import Qualification, Recognition
from kernel.refusals import Refused
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, change, codes, hours

TUESDAY = date(2026, 3, 3)  # the day on which `book` books


@pytest.fixture
def trained_here(cast):
    change(cast.instrument, needs_qualification=True, techniques=["LC-MS", "MALDI"])
    return cast


@pytest.fixture
def other_lab(db):
    return f.InstitutionFactory(code="LAB-SU", region=f.region("320571"))


def recognise(cast, granting=None, technique="", valid=(date(2026, 1, 1), None)) -> Recognition:
    return Recognition.objects.create(
        institution=cast.shanghai_lab,
        granting=granting,
        technique=technique,
        valid=DateRange(*valid),
        made_by=cast.manager,
        made_at=NOW,
    )


def refusal(cast, **changes):
    with pytest.raises(Refused) as refused:
        book(cast, **changes)
    assert codes(refused) == ["not_qualified"]
    return refused.value.refusals[0]


def test_a_level_that_is_too_low_is_refused_with_both_levels(trained_here):
    cast = trained_here
    change(cast.instrument, required_level=2)
    assert refusal(cast).params == {"needed": 2, "held": 0}
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    assert refusal(cast).params == {"needed": 2, "held": 1}
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument, level=3)
    assert book(cast).state == "approved"


def test_the_level_that_counts_is_the_one_of_the_day(trained_here):
    cast = trained_here
    change(cast.instrument, required_level=2)
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, level=2, valid_until=date(2026, 3, 2)
    )
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument, level=1)
    assert book(cast, hours(2, 3)).state == "approved"
    assert refusal(cast).params == {"needed": 2, "held": 1}


def test_a_technique_counts_only_where_it_was_taught(trained_here, other_lab):
    cast = trained_here
    f.QualificationFactory(
        user=cast.researcher, instrument=None, technique="LC-MS", institution=other_lab
    )
    refusal(cast)
    f.QualificationFactory(
        user=cast.researcher, instrument=None, technique="NMR", institution=cast.shanghai_lab
    )
    refusal(cast)
    f.QualificationFactory(
        user=cast.researcher, instrument=None, technique="MALDI", institution=cast.shanghai_lab
    )
    assert book(cast).state == "approved"


@pytest.mark.parametrize("as_instrument", [True, False])
@pytest.mark.parametrize(
    ("granting", "technique", "valid", "counts"),
    [
        ("other", "", (date(2026, 1, 1), None), True),
        (None, "", (date(2026, 1, 1), None), True),
        ("other", "LC-MS", (date(2026, 1, 1), None), True),
        ("other", "MALDI", (date(2026, 1, 1), None), False),
        ("other", "", (TUESDAY, date(2026, 3, 4)), True),
        ("other", "", (date(2026, 1, 1), TUESDAY), False),
        ("other", "", (date(2026, 3, 4), None), False),
        ("third", "", (date(2026, 1, 1), None), False),
    ],
)
def test_anothers_training_counts_where_the_receiver_says_so(
    trained_here, other_lab, as_instrument, granting, technique, valid, counts
):
    cast = trained_here
    if as_instrument:
        taught = f.InstrumentFactory(institution=other_lab, techniques=["LC-MS", "GC-MS"])
        f.QualificationFactory(user=cast.researcher, instrument=taught)
    else:
        f.QualificationFactory(
            user=cast.researcher, instrument=None, technique="LC-MS", institution=other_lab
        )
    refusal(cast)
    places = {"other": other_lab, "third": f.InstitutionFactory(), None: None}
    recognise(cast, places[granting], technique, valid)
    if counts:
        assert book(cast).state == "approved"
    else:
        refusal(cast)


def test_anothers_training_counts_up_to_its_level(trained_here, other_lab):
    cast = trained_here
    change(cast.instrument, required_level=2)
    recognise(cast, other_lab)
    taught = f.InstrumentFactory(institution=other_lab, techniques=["MALDI"])
    f.QualificationFactory(user=cast.researcher, instrument=taught, level=1)
    assert refusal(cast).params == {"needed": 2, "held": 1}


def test_recognition_never_reaches_over_to_other_instruments_of_the_house(trained_here):
    """Own training on another instrument is no foreign training, even where all of that counts."""
    cast = trained_here
    recognise(cast)
    sister = f.InstrumentFactory(institution=cast.shanghai_lab, techniques=["LC-MS"])
    f.QualificationFactory(user=cast.researcher, instrument=sister)
    refusal(cast)


def test_somebody_elses_training_is_of_no_use(trained_here):
    cast = trained_here
    f.QualificationFactory(user=cast.principal, instrument=cast.instrument)
    refusal(cast)


def test_who_asks_is_read_in_one_query(trained_here, django_assert_num_queries):
    cast = trained_here
    wish = Wish(cast.instrument, hours(24, 26), 1, cast.project)
    with django_assert_num_queries(1):
        queries.request_refusals(wish, by=cast.researcher, at=NOW)


def flagged(at=NOW) -> dict[str, list[str]]:
    return {one.reference: one.flags for one in Booking.objects.with_names().with_flags(at)}


def test_bookings_beyond_the_last_day_of_the_training_are_flagged(trained_here):
    cast = trained_here
    held = f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    before, after = book(cast), book(cast, hours(72, 73))
    assert flagged() == {before.reference: [], after.reference: []}
    held.valid_until = TUESDAY
    held.save()
    assert flagged() == {before.reference: [], after.reference: ["not_qualified"]}
    assert list(Booking.objects.with_flags(NOW).flagged()) == [after]


def test_what_has_begun_or_is_over_is_not_flagged(trained_here):
    cast = trained_here
    f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
    booking = book(cast)
    Qualification.objects.all().delete()
    assert flagged()[booking.reference] == ["not_qualified"]
    assert flagged(NOW + 24 * HOUR)[booking.reference] == []


def test_a_recognition_that_ends_flags_what_rested_on_it(trained_here, other_lab):
    cast = trained_here
    taught = f.InstrumentFactory(institution=other_lab, techniques=["LC-MS"])
    f.QualificationFactory(user=cast.researcher, instrument=taught)
    recognition = recognise(cast, other_lab)
    booking = book(cast)
    assert flagged()[booking.reference] == []
    recognition.valid = DateRange(recognition.valid.lower, TUESDAY)
    recognition.save()
    assert flagged()[booking.reference] == ["not_qualified"]


def test_the_day_is_that_of_the_instruments_zone(trained_here):
    """23:30 on Monday in Shanghai is still Monday in UTC; half an hour later it is Tuesday."""
    cast = trained_here
    f.QualificationFactory(
        user=cast.researcher, instrument=cast.instrument, valid_until=date(2026, 3, 2)
    )
    booking = book(cast, hours(15.5, 16))
    assert flagged()[booking.reference] == []
    refusal(cast, period=hours(16, 17))


def test_an_instrument_without_training_flags_nothing(cast):
    booking = book(cast)
    assert flagged()[booking.reference] == []
