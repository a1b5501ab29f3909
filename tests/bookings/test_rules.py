"""Dated rules: each kind inside, on the edge and outside; which one holds where several could."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from bookings import queries
from bookings.models import Booking
from bookings.till import Quote, Wish
from institutions.models import Project
from instruments.models import UserClass
from kernel.periods import Period
from kernel.refusals import Refused
from tests import factories as f
from tests.bookings.rules import daily, rule
from tests.bookings.test_request import HOUR, NOW, book, change, hours

MINUTE = timedelta(minutes=1)
TUESDAY = date(2026, 3, 3)


def refused(cast, period, **changes):
    """The one refusal of a wish."""
    with pytest.raises(Refused) as caught:
        book(cast, period, **changes)
    [refusal] = caught.value.refusals
    return refusal


def said(refusal, language):
    with translation.override(language):
        return str(refusal)


def local(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    """A time of March 2026 on the wall in Shanghai."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZoneInfo("Asia/Shanghai"))


def span(day: int, start: int, end: int) -> Period:
    """Hours of a day of March 2026 in Shanghai; the second is a Monday."""
    return Period(local(day, start), local(day, 0) + end * HOUR).in_utc()


# --- each kind -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "inside", "outside", "code", "params"),
    [
        (
            "granularity",
            {"least": 60},
            hours(24, 26),
            hours(24.5, 26),
            "off_grid",
            {"limit": 60, "minutes": 60},
        ),
        (
            "length",
            {"least": 60},
            hours(24, 25),
            hours(24, 24.75),
            "too_short",
            {"limit": 60, "value": 45, "min": 60, "minutes": 45},
        ),
        (
            "length",
            {"most": 120},
            hours(24, 26),
            hours(24, 26.25),
            "too_long",
            {"limit": 120, "value": 135, "max": 120, "minutes": 135},
        ),
        (
            "lead_time",
            {"least": 180},
            hours(3, 4),
            hours(2.75, 4),
            "too_soon",
            {"limit": 180, "value": 165},
        ),
        (
            "horizon",
            {"most": 3},
            hours(72, 73),
            hours(72.25, 73),
            "beyond_horizon",
            {"limit": 3, "value": 3},
        ),
    ],
)
def test_a_rule_about_the_slot_holds_to_its_edge(cast, kind, fields, inside, outside, code, params):
    made = rule(cast.shanghai_lab, kind, **fields)
    assert book(cast, inside).state == "approved"
    refusal = refused(cast, outside)
    assert refusal.code == code
    assert {**params, "rule": made.pk}.items() <= dict(refusal.params).items()


def test_the_instruments_own_limits_name_no_rule(cast):
    change(cast.instrument, max_minutes=60)
    refusal = refused(cast, hours(24, 26))
    assert refusal.params == {"max": 60, "minutes": 120, "rule": None, "limit": 60, "value": 120}


class TestRelease:
    @pytest.fixture(autouse=True)
    def release(self, cast):
        """Next week opens on Sunday at 21:00."""
        change(cast.instrument, horizon_days=1)
        return rule(cast.shanghai_lab, "release", weekday=6, time=time(21), weeks_ahead=1)

    def test_this_week_is_open_to_its_end_whatever_the_instruments_horizon(self, cast):
        assert book(cast, span(8, 22, 26)).state == "approved"

    def test_next_week_is_closed_until_the_moment(self, cast):
        refusal = refused(cast, span(9, 0, 1))
        assert refusal.code == "not_released_yet"
        assert refusal.params["opens_at"] == "2026-03-08T21:00:00+08:00"
        assert said(refusal, "en") == "That week opens for booking on 2026-03-08 21:00."
        assert "2026-03-08 21:00" in said(refusal, "zh-hans")
        assert refused(cast, span(9, 9, 10), at=local(8, 20, 59)).code == "not_released_yet"

    def test_at_the_moment_the_whole_week_opens(self, cast):
        assert book(cast, span(15, 22, 23), at=local(8, 21)).state == "approved"
        assert refused(cast, span(16, 9, 10), at=local(8, 21)).code == "not_released_yet"

    def test_a_dated_horizon_holds_beside_it(self, cast):
        rule(cast.shanghai_lab, "horizon", most=2)
        assert refused(cast, span(5, 9, 10)).code == "beyond_horizon"


class TestGap:
    def test_bookings_of_one_user_keep_their_distance(self, cast):
        made = rule(cast.shanghai_lab, "gap", least=120)
        book(cast, hours(24, 26))
        refusal = refused(cast, hours(27, 28))
        assert refusal.code == "too_close"
        assert refusal.params == {"rule": made.pk, "limit": 120, "value": 60}
        assert refused(cast, hours(21, 22.25)).params["value"] == 105
        assert book(cast, hours(28, 29)).state == "approved"
        assert book(cast, hours(21, 22)).state == "approved"

    def test_others_and_other_instruments_do_not_matter(self, cast):
        rule(cast.shanghai_lab, "gap", least=120)
        other = f.InstrumentFactory(institution=cast.shanghai_lab)
        book(cast, hours(24, 26))
        assert book(cast, hours(26, 27), by=cast.principal).state == "approved"
        assert book(cast, hours(24, 25), instrument=other).state == "approved"


class TestQuota:
    def test_the_last_hour_can_be_had_and_none_beyond(self, cast):
        made = rule(cast.shanghai_lab, "quota", most=480, window="week", per="user")
        book(cast, span(3, 9, 14))
        refusal = refused(cast, span(4, 9, 13))
        assert refusal.code == "quota_exceeded"
        assert refusal.params == {
            "rule": made.pk,
            "per": "user",
            "window": "week",
            "from": "2026-03-02T00:00:00+08:00",
            "limit": "8",
            "used": "5",
            "wanted": "4",
        }
        assert said(refusal, "en") == (
            "At most 8 h per week for each user. 5 h are booked, this adds 4 h."
        )
        assert said(refusal, "zh-hans").startswith("每位用户每周最多 8 小时")
        assert book(cast, span(4, 9, 12)).state == "approved"

    def test_what_was_given_back_does_not_count(self, cast):
        from bookings.actions.cancel import cancel_booking

        rule(cast.shanghai_lab, "quota", most=240, window="week", per="user")
        gone = book(cast, span(3, 9, 13))
        assert refused(cast, span(4, 9, 10)).params["used"] == "4"
        cancel_booking(by=cast.researcher, booking=gone, at=NOW)
        assert book(cast, span(4, 9, 13)).state == "approved"

    @pytest.mark.parametrize("state", ["completed", "no_show"])
    def test_what_was_booked_counts_used_or_not(self, cast, state):
        rule(cast.shanghai_lab, "quota", most=240, window="week", per="user")
        past = book(cast, span(3, 9, 13))
        Booking.objects.filter(pk=past.pk).update(state=state)
        assert refused(cast, span(6, 9, 10)).params["used"] == "4"

    def test_a_booking_over_the_turn_of_the_week_counts_in_both(self, cast):
        rule(cast.shanghai_lab, "quota", most=240, window="week", per="user")
        book(cast, span(8, 22, 27))
        assert book(cast, span(3, 9, 11)).state == "approved"
        assert refused(cast, span(4, 9, 10)).params["used"] == "4"
        assert refused(cast, span(10, 9, 11)).params["used"] == "3"
        assert book(cast, span(10, 9, 10)).state == "approved"

    def test_a_month_is_that_of_the_wall(self, cast):
        rule(cast.shanghai_lab, "quota", most=240, window="month", per="user")
        book(cast, span(31, 22, 25))
        refusal = refused(cast, span(30, 9, 12))
        assert (refusal.params["used"], refusal.params["from"]) == (
            "2",
            "2026-03-01T00:00:00+08:00",
        )
        assert "per month" in said(refusal, "en")
        assert "每月" in said(refusal, "zh-hans")

    def test_only_hours_of_the_peak_count_where_it_says_so(self, cast):
        peak = daily("peak", 9, 18)
        rule(cast.shanghai_lab, "quota", most=120, window="week", per="user", hours=peak)
        book(cast, span(3, 17, 24))
        assert book(cast, span(4, 18, 24)).state == "approved"
        refusal = refused(cast, span(5, 7, 11))
        assert (refusal.params["used"], refusal.params["wanted"]) == ("1", "2")
        assert "Only peak hours count." in said(refusal, "en")
        assert book(cast, span(5, 7, 10)).state == "approved"

    def test_the_facilitys_quota_counts_all_its_instruments_and_an_instruments_its_own(self, cast):
        other = f.InstrumentFactory(institution=cast.shanghai_lab)
        all_, own = (
            rule(cast.shanghai_lab, "quota", instrument=one, most=most, window="week", per="user")
            for one, most in ((None, 300), (other, 60))
        )
        book(cast, span(3, 9, 12))
        assert refused(cast, span(3, 9, 11), instrument=other).params["rule"] == own.pk
        assert book(cast, span(3, 9, 10), instrument=other).state == "approved"
        refusal = refused(cast, span(4, 9, 11))
        assert (refusal.params["rule"], refusal.params["used"]) == (all_.pk, "4")
        assert book(cast, span(4, 9, 10)).state == "approved"

    def test_projects_groups_and_institutions_are_counted_apart(self, cast):
        """Per project, per principal, per outside institution: each party has its own hours."""
        second = f.project(cast.suzhou_firm, cast.principal, cast.researcher)
        third = f.project(cast.suzhou_firm, cast.researcher)
        other_firm = f.InstitutionFactory(kind="enterprise")
        fourth = f.project(other_firm, cast.researcher)
        expected = {
            "user": (second, third, fourth),
            "project": (),
            "group": (second,),
            "institution": (second, third),
        }
        for number, (per, sharing) in enumerate(expected.items()):
            instrument = f.InstrumentFactory(institution=cast.shanghai_lab)
            rule(
                cast.shanghai_lab,
                "quota",
                instrument=instrument,
                most=120,
                window="week",
                per=per,
            )
            day = 3 + number
            book(cast, span(day, 9, 11), instrument=instrument)
            for hour, project in enumerate((cast.project, second, third, fourth)):
                wish = span(day, 12 + hour, 13 + hour)
                if project in (cast.project, *sharing):
                    found = refused(cast, wish, instrument=instrument, project=project)
                    assert (found.code, found.params["per"]) == ("quota_exceeded", per)
                else:
                    assert book(cast, wish, instrument=instrument, project=project)

    def test_the_facilitys_own_people_are_no_outside_institution(self, cast):
        rule(cast.shanghai_lab, "quota", most=0, window="week", per="institution")
        own = f.project(cast.shanghai_lab, cast.researcher)
        assert book(cast, hours(24, 26), project=own).state == "approved"
        assert refused(cast, hours(30, 31)).params["per"] == "institution"

    def test_a_quota_counts_from_its_first_day_on(self, cast):
        """The hours before it were booked under other rules."""
        book(cast, span(3, 9, 13))
        rule(
            cast.shanghai_lab, "quota", since=date(2026, 3, 4), most=240, window="week", per="user"
        )
        assert book(cast, span(4, 9, 13)).state == "approved"
        assert refused(cast, span(5, 9, 10)).code == "quota_exceeded"

    def test_a_week_of_a_changing_clock_is_an_hour_longer_or_shorter(self, cast):
        """In New York clocks go forward on Sunday 8 March 2026: the week ends at 04:00 UTC."""
        lab = f.InstitutionFactory(timezone="America/New_York")
        instrument = f.InstrumentFactory(institution=lab)
        rule(lab, "quota", most=120, window="week", per="user")
        turn = datetime(2026, 3, 9, 4, tzinfo=UTC)
        book(cast, Period(turn - 2 * HOUR, turn), instrument=instrument)
        assert book(cast, Period(turn, turn + 2 * HOUR), instrument=instrument)
        early = Period(turn - 3 * HOUR, turn - 2 * HOUR)
        refusal = refused(cast, early, instrument=instrument)
        assert refusal.params["from"] == "2026-03-02T00:00:00-05:00"
        # The week that has begun with the new clock has a Monday at the new offset.
        late = Period(turn + 3 * HOUR, turn + 4 * HOUR)
        assert refused(cast, late, instrument=instrument).params["from"] == (
            "2026-03-09T00:00:00-04:00"
        )


class TestPeak:
    def test_a_booking_takes_only_so_much_of_the_peak(self, cast):
        made = rule(cast.shanghai_lab, "peak", most=120, hours=daily("peak", 9, 18))
        assert book(cast, span(3, 16, 24)).state == "approved"
        refusal = refused(cast, span(4, 8, 12))
        assert refusal.code == "peak_too_long"
        assert refusal.params == {"hours": "peak", "rule": made.pk, "limit": 120, "value": 180}
        assert "3 h" in said(refusal, "zh-hans")


class TestReservedShare:
    @pytest.fixture(autouse=True)
    def share(self, cast):
        """Open 7 h a day, 49 h a week; half of them for enterprises, until two days before."""
        change(cast.instrument, opening_calendar=daily("open", 9, 16))
        return rule(
            cast.shanghai_lab, "reserved_share", instrument=cast.instrument, least=50, most=2
        )

    @pytest.fixture
    def academic(self, cast) -> Project:
        return f.project(f.InstitutionFactory(), cast.researcher)

    def test_the_others_take_at_most_the_rest(self, cast, academic):
        for day in (9, 10, 11):
            book(cast, span(day, 9, 16), project=academic)
        refusal = refused(cast, span(12, 9, 13), project=academic)
        assert refusal.code == "reserved_for_enterprises"
        named = ("percent", "days", "limit", "used", "wanted")
        assert [refusal.params[name] for name in named] == [50, 2, "24.5", "21", "4"]
        assert "50 %" in said(refusal, "en")
        assert "50" in said(refusal, "zh-hans")
        change(cast.instrument, granularity_minutes=30)
        half = Period(local(12, 9), local(12, 12, 30))
        assert book(cast, half, project=academic).state == "approved"

    def test_enterprises_take_what_they_like_and_use_up_nothing_of_the_rest(self, cast, academic):
        for day in (9, 10, 11, 12):
            book(cast, span(day, 9, 16))
        for day in (13, 14, 15):
            assert book(cast, span(day, 9, 16), project=academic).state == "approved"

    def test_near_the_day_the_reserve_falls(self, cast, academic):
        for day in (9, 10, 11):
            book(cast, span(day, 9, 16), project=academic)
        wish = span(14, 9, 16)
        before = local(12, 8, 59)
        assert refused(cast, wish, project=academic, at=before).code == "reserved_for_enterprises"
        assert book(cast, wish, project=academic, at=local(12, 9)).state == "approved"


class TestAllowedHours:
    def test_a_class_books_within_its_hours(self, cast):
        night = daily("night", 18, 24)
        made = rule(
            cast.shanghai_lab,
            "allowed_hours",
            hours=night,
            user_classes=[UserClass.INDUSTRY, UserClass.FOREIGN],
        )
        assert book(cast, span(3, 18, 24)).state == "approved"
        refusal = refused(cast, span(4, 17, 19))
        assert (refusal.code, refusal.params["rule"]) == ("outside_allowed_hours", made.pk)
        own = f.project(cast.shanghai_lab, cast.researcher)
        assert book(cast, span(4, 9, 11), project=own).state == "approved"


class TestSimultaneous:
    def test_one_person_is_in_so_many_places_at_once(self, cast):
        made = rule(cast.shanghai_lab, "simultaneous", most=2)
        one, two, three = (f.InstrumentFactory(institution=cast.shanghai_lab) for _ in range(3))
        book(cast, hours(24, 26), instrument=one)
        book(cast, hours(26, 28), instrument=one)
        book(cast, hours(25, 27), instrument=two)
        refusal = refused(cast, hours(25, 27), instrument=three)
        assert refusal.code == "too_many_at_once"
        assert refusal.params == {"rule": made.pk, "limit": 2, "value": 3}
        assert book(cast, hours(27, 29), instrument=three).state == "approved"
        elsewhere = f.InstrumentFactory()
        assert book(cast, hours(25, 27), instrument=elsewhere).state == "approved"
        assert book(cast, hours(25, 26), instrument=three, by=cast.principal).state == "approved"


# --- approval --------------------------------------------------------------------------------


class TestApproval:
    def test_never_beats_an_instrument_that_a_manager_approves(self, cast):
        change(cast.instrument, approval="manager")
        rule(cast.shanghai_lab, "approval", policy="never")
        assert book(cast).state == "approved"

    def test_always_beats_one_that_approves_itself(self, cast):
        rule(cast.shanghai_lab, "approval", policy="always")
        assert book(cast).state == "requested"

    def test_the_untrained_ask_instead_of_being_refused(self, cast):
        change(cast.instrument, needs_qualification=True)
        assert refused(cast, hours(24, 26)).code == "not_qualified"
        rule(cast.shanghai_lab, "approval", policy="unqualified")
        assert book(cast).state == "requested"
        f.QualificationFactory(user=cast.researcher, instrument=cast.instrument)
        assert book(cast, hours(30, 31)).state == "approved"

    def test_outsiders_ask_and_the_own_people_do_not(self, cast):
        rule(cast.shanghai_lab, "approval", policy="outsiders")
        assert book(cast).state == "requested"
        own = f.project(cast.shanghai_lab, cast.researcher)
        assert book(cast, hours(30, 31), project=own).state == "approved"

    @pytest.mark.parametrize(
        ("gross", "state"), [("2000.00", "approved"), ("2000.01", "requested")]
    )
    def test_above_a_price_a_manager_approves(self, cast, settings, gross, state):
        settings.BOOKINGS_TILL = "tests.bookings.test_rules.DearTill"
        DearTill.gross = Decimal(gross)
        rule(cast.shanghai_lab, "approval", policy="above_price", amount=Decimal(2000))
        assert book(cast).state == state

    def test_after_the_principals_consent_the_rule_still_holds(self, cast, settings):
        from bookings.actions.consent import consent_to_booking

        settings.BOOKINGS_TILL = "tests.bookings.test_rules.DearTill"
        DearTill.gross = Decimal(3000)
        change(cast.project, consent_above=Decimal(100))
        rule(cast.shanghai_lab, "approval", policy="above_price", amount=Decimal(2000))
        waiting = book(cast)
        assert waiting.state == "awaiting_principal"
        assert consent_to_booking(by=cast.principal, booking=waiting, at=NOW).state == "requested"


class DearTill:
    """Every booking costs `gross`."""

    gross = Decimal(0)

    def hold(self, bookings, **_):
        return [Quote(gross=self.gross, net=self.gross) for _ in bookings]


# --- which rule holds ------------------------------------------------------------------------


def longest(cast, project=None):
    """The longest booking, and the rule that says so, as the terms resolve it."""
    wish = Wish(cast.instrument, hours(24, 26), Decimal(1), project or cast.project)
    limit = queries.facts(wish, by=cast.researcher, at=NOW).terms.longest
    return limit.value, limit.rule_id


def test_instrument_beats_facility_and_classes_beat_everybody(cast):
    lab, instrument = cast.shanghai_lab, cast.instrument
    assert longest(cast) == (7 * 24 * 60, None)
    facility = rule(lab, "length", most=100)
    assert longest(cast) == (100, facility.pk)
    industry = rule(lab, "length", most=90, user_classes=[UserClass.INDUSTRY])
    assert longest(cast) == (90, industry.pk)
    own = rule(lab, "length", instrument=instrument, most=80)
    assert longest(cast) == (80, own.pk)
    both = rule(lab, "length", instrument=instrument, most=120, user_classes=[UserClass.INDUSTRY])
    assert longest(cast) == (120, both.pk)
    inside = f.project(lab, cast.researcher)
    assert longest(cast, inside) == (80, own.pk)


def test_a_rule_that_says_nothing_of_a_number_leaves_it_to_the_next(cast):
    facility = rule(cast.shanghai_lab, "length", least=30, most=100)
    rule(cast.shanghai_lab, "length", instrument=cast.instrument, least=60)
    assert longest(cast) == (100, facility.pk)


def test_rules_of_others_do_not_matter(cast):
    other = f.InstrumentFactory(institution=cast.shanghai_lab)
    rule(cast.shanghai_lab, "length", instrument=other, most=20)
    rule(cast.suzhou_firm, "length", most=20)
    assert longest(cast) == (7 * 24 * 60, None)


def test_a_quota_for_a_class_takes_the_place_of_the_one_for_everybody(cast):
    lab = cast.shanghai_lab
    rule(lab, "quota", most=60, window="week", per="user")
    rule(lab, "quota", most=180, window="week", per="user", user_classes=[UserClass.INDUSTRY])
    assert book(cast, span(3, 9, 12)).state == "approved"
    inside = f.project(lab, cast.researcher)
    # The one for everybody counts every class.
    assert refused(cast, span(4, 9, 10), project=inside).params["used"] == "3"


@pytest.mark.parametrize(("day", "is_ruled"), [(2, False), (3, True), (4, True), (5, False)])
def test_the_day_of_the_start_decides_in_the_facilitys_zone(cast, day, is_ruled):
    """In force on 3 and 4 March: from midnight to midnight in Shanghai, 16:00 UTC."""
    rule(cast.shanghai_lab, "length", since=TUESDAY, until=date(2026, 3, 5), most=30)
    for hour in (0, 23) if day != 2 else (9, 23):
        if is_ruled:
            assert refused(cast, span(day, hour, hour + 1)).code == "too_long"
        else:
            assert book(cast, span(day, hour, hour + 1)).state == "approved"


def test_all_refusals_of_rules_come_at_once(cast):
    lab = cast.shanghai_lab
    rule(lab, "length", most=60)
    rule(lab, "gap", least=600)
    rule(lab, "quota", most=60, window="week", per="user")
    book(cast, span(3, 9, 10))
    with pytest.raises(Refused) as caught:
        book(cast, span(3, 11, 13))
    codes = [refusal.code for refusal in caught.value.refusals]
    assert codes == ["too_long", "too_close", "quota_exceeded"]
    assert Booking.objects.count() == 1
