"""Rows of booking rules: added, ended and replaced by managers; guarded by the database."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, transaction

from bookings.actions.add_rule import add_rule
from bookings.actions.end_rule import end_rule
from bookings.actions.replace_rule import replace_rule
from bookings.models import BookingRule, RuleKind
from kernel.refusals import Malformed, NotAllowed, Refused
from tests import factories as f
from tests.bookings.rules import daily, rule
from tests.bookings.test_api import body
from tests.bookings.test_availability import free
from tests.bookings.test_request import NOW, book, hours

URL = "/api/v1/booking-rules/"
TODAY = date(2026, 3, 2)
CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture(autouse=True)
def monday():
    with time_machine.travel(NOW, tick=False):
        yield


def add(cast, kind="length", values=None, **changes):
    wanted = {
        "by": cast.manager,
        "institution": cast.shanghai_lab,
        "kind": RuleKind(kind),
        "values": values or {"most": 60},
        "valid_from": TODAY,
        "at": NOW,
    }
    return add_rule(**{**wanted, **changes})


# --- the database ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("granularity", {}),
        ("granularity", {"least": 0}),
        ("granularity", {"least": 1441}),
        ("length", {}),
        ("length", {"least": 60, "most": 30}),
        ("length", {"most": 60, "per": "user"}),
        ("lead_time", {"most": 5}),
        ("quota", {"most": 60, "per": "user"}),
        ("quota", {"most": 60, "per": "team", "window": "week"}),
        ("peak", {"most": 60}),
        ("release", {"weekday": 7, "time": time(21), "weeks_ahead": 1}),
        ("release", {"weekday": 6, "time": time(21)}),
        ("reserved_share", {"least": 101, "most": 0}),
        ("reserved_share", {"least": 50, "most": 0, "user_classes": [2]}),
        ("approval", {"policy": "above_price"}),
        ("approval", {"policy": "always", "amount": Decimal(1)}),
        ("approval", {"policy": "above_price", "amount": Decimal(-1)}),
        ("simultaneous", {"most": 0}),
        ("length", {"most": 60, "user_classes": [5]}),
        ("party", {}),
    ],
)
def test_the_database_refuses_a_row_that_does_not_fit_its_kind(cast, kind, fields):
    with pytest.raises(IntegrityError, match="booking_rule"), transaction.atomic():
        rule(cast.shanghai_lab, kind, **fields)


def test_no_two_rules_for_the_same_are_valid_on_one_day(cast):
    lab, instrument = cast.shanghai_lab, cast.instrument
    rule(lab, "length", most=60)
    rule(lab, "length", most=60, instrument=instrument)
    rule(lab, "length", most=60, user_classes=[1, 2])
    rule(lab, "length", most=60, user_classes=[3])
    for fields in ({}, {"user_classes": [2, 4]}, {"instrument": instrument}):
        with pytest.raises(IntegrityError, match="booking_rule_once"), transaction.atomic():
            rule(lab, "length", most=30, **fields)


def test_quotas_that_count_something_else_stand_beside_each_other(cast):
    peak = daily("peak", 9, 18)
    for fields in (
        {"window": "week", "per": "user"},
        {"window": "month", "per": "user"},
        {"window": "week", "per": "project"},
        {"window": "week", "per": "user", "hours": peak},
    ):
        rule(cast.shanghai_lab, "quota", most=60, **fields)
    with pytest.raises(IntegrityError, match="booking_rule_once"), transaction.atomic():
        rule(cast.shanghai_lab, "quota", most=90, window="week", per="user")


def test_a_rule_is_never_edited_extended_or_deleted(cast):
    made = rule(cast.shanghai_lab, "length", most=60, until=date(2026, 6, 1))
    rows = BookingRule.objects.filter(pk=made.pk)
    for values in ({"most": 90}, {"valid": (date(2026, 1, 1), None)}, {"note": "other"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**values)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.delete()


# --- the actions -----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "billing_office", "researcher", "stranger"])
def test_only_managers_set_rules(cast, who):
    made = rule(cast.shanghai_lab, "length", most=60)
    by = getattr(cast, who)
    with pytest.raises(NotAllowed):
        add(cast, by=by)
    with pytest.raises(NotAllowed):
        end_rule(by=by, rule=made, on=TODAY, at=NOW)
    with pytest.raises(NotAllowed):
        replace_rule(by=by, rule=made, on=TODAY, values={"most": 30}, at=NOW)


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        ("length", {"per": "user"}, "per"),
        ("length", {}, "least"),
        ("length", {"least": 60, "most": 30}, "most"),
        ("quota", {"most": 60, "window": "week"}, "per"),
        ("approval", {"policy": "above_price"}, "amount"),
        ("approval", {"policy": "never", "amount": Decimal(2)}, "amount"),
        ("granularity", {"least": 1441}, "least"),
        ("reserved_share", {"least": 10, "most": 1, "user_classes": [1]}, "user_classes"),
    ],
)
def test_a_rule_that_does_not_fit_its_kind_is_malformed(cast, kind, values, field):
    with pytest.raises(Malformed) as error:
        add(cast, kind, values or {"note": "x"})
    assert field in error.value.errors


def codes(call):
    with pytest.raises(Refused) as caught:
        call()
    return [refusal.code for refusal in caught.value.refusals]


def test_rules_change_from_today_on_and_not_before(cast):
    yesterday = TODAY - timedelta(days=1)
    assert codes(lambda: add(cast, valid_from=yesterday)) == ["rule_in_the_past"]
    made = add(cast)

    def end(on):
        return end_rule(by=cast.manager, rule=made, on=on, at=NOW)

    assert codes(lambda: end(yesterday)) == ["rule_in_the_past"]
    assert end(date(2026, 4, 1)).valid.upper == date(2026, 4, 1)
    assert codes(lambda: end(date(2026, 4, 1))) == ["rule_is_over"]
    assert codes(lambda: add(cast)) == ["rule_overlaps"]


def test_a_rule_that_has_not_begun_is_withdrawn(cast):
    made = add(cast, valid_from=date(2026, 5, 1))
    assert end_rule(by=cast.manager, rule=made, on=TODAY, at=NOW).valid.isempty
    assert add(cast, valid_from=date(2026, 5, 1))


def test_replacing_ends_one_and_begins_the_other_on_a_day(cast):
    made = add(cast, valid_until=date(2026, 6, 30))
    new = replace_rule(by=cast.manager, rule=made, on=date(2026, 4, 1), values={"most": 30}, at=NOW)
    made.refresh_from_db()
    assert (made.valid.upper, made.most) == (date(2026, 4, 1), 60)
    assert (new.valid.lower, new.valid.upper, new.most) == (
        date(2026, 4, 1),
        date(2026, 7, 1),
        30,
    )
    with pytest.raises(Malformed):
        replace_rule(by=cast.manager, rule=new, on=date(2026, 5, 1), values={}, at=NOW)
    new.refresh_from_db()
    assert new.valid.upper == date(2026, 7, 1)


# --- free time -------------------------------------------------------------------------------


def test_what_is_free_respects_lead_horizon_hours_and_steps(cast):
    lab = cast.shanghai_lab
    rule(lab, "lead_time", least=90)
    rule(lab, "granularity", least=60)
    assert free(cast.instrument, hours(0, 6)) == [hours(2, 6)]
    rule(lab, "allowed_hours", hours=daily("day", 9, 12))
    assert free(cast.instrument, hours(0, 30)) == [hours(2, 4), hours(25, 28)]
    rule(lab, "length", most=60)
    assert free(cast.instrument, hours(0, 30), minutes=120) == []


def test_what_is_not_released_is_not_free(cast):
    rule(cast.shanghai_lab, "release", weekday=6, time=time(21), weeks_ahead=1)
    # The week ends 160 h after Monday 08:00; whoever starts in its last step may go on.
    assert free(cast.instrument, hours(150, 200), minutes=15) == [hours(150, 160)]


def test_rules_for_a_class_do_not_hide_time_from_everybody(cast):
    rule(cast.shanghai_lab, "horizon", most=0, user_classes=[3])
    assert free(cast.instrument, hours(24, 30)) == [hours(24, 30)]


def test_a_change_of_rules_within_the_window_cuts_nothing(cast):
    rule(cast.shanghai_lab, "length", since=date(2026, 3, 3), most=600)
    assert free(cast.instrument, hours(0, 40)) == [hours(0, 40)]
    assert free(cast.instrument, hours(0, 40), minutes=660) == [hours(0, 26.75)]


# --- queries ---------------------------------------------------------------------------------


def test_a_request_with_counting_rules_stays_within_its_queries(
    cast, api, django_assert_max_num_queries
):
    rule(cast.shanghai_lab, "quota", most=6000, window="week", per="user")
    rule(cast.shanghai_lab, "gap", least=15)
    book(cast, hours(100, 101))
    with django_assert_max_num_queries(20):
        answer = api(cast.researcher).post(
            "/api/v1/bookings/", body(cast), headers={"idempotency-key": "k"}
        )
    assert answer.status_code == 201


# --- the API ---------------------------------------------------------------------------------


def new(cast, **changes):
    wanted = {
        "institution": "LAB-SH",
        "kind": "quota",
        "values": {"most": 480, "window": "week", "per": "user"},
        "valid_from": "2026-03-02",
    }
    return {**wanted, **changes}


def test_a_manager_adds_replaces_and_ends_through_the_api(cast, api):
    client = api(cast.manager)
    made = client.post(URL, new(cast), headers={"accept-language": "en"})
    assert made.status_code == 201
    assert made.json()["text"] == "At most 8 h per week for each user. From 2026-03-02."
    path = f"{URL}{made.json()['id']}/"
    values = {"most": 60, "window": "week", "per": "user", "user_classes": ["internal"]}
    changed = client.post(f"{path}replace/", {"on": "2026-03-09", "values": values})
    assert changed.status_code == 201
    assert changed.json()["values"] == values
    ended = client.post(f"{URL}{changed.json()['id']}/end/", {"on": "2026-03-16"})
    assert (ended.status_code, ended.json()["valid_until"]) == (200, "2026-03-15")
    for query, count in (
        ({}, 2),
        ({"institution": "LAB-SH", "kind": "quota"}, 2),
        ({"on": "2026-03-10"}, 1),
        ({"on": "2026-04-01"}, 0),
        ({"instrument": "LAB-001"}, 0),
    ):
        assert client.get(URL, query).json()["count"] == count


def test_rules_are_for_the_eyes_of_their_facility(cast, api):
    made = rule(cast.shanghai_lab, "length", most=60)
    path = f"{URL}{made.pk}/end/"
    assert api(cast.operator).get(URL).json()["count"] == 1
    assert api(cast.operator).post(path, {"on": "2026-03-09"}).status_code == 403
    elsewhere = f.person(f.InstitutionFactory(), "facility_manager")
    assert api(elsewhere).get(URL).json()["count"] == 0
    assert api(elsewhere).post(path, {"on": "2026-03-09"}).status_code == 404
    assert api(elsewhere).post(URL, new(cast)).status_code == 403


def test_the_instruments_record_says_its_rules(cast, api):
    rule(cast.shanghai_lab, "length", most=60)
    rules = api().get("/api/v1/instruments/LAB-001/").json()["rules"]
    assert rules["max_minutes"] == 60
    assert [one["kind"] for one in rules["dated"]] == ["length"]


# --- pages -----------------------------------------------------------------------------------


def test_a_manager_adds_a_rule_by_its_kind(client, cast):
    client.force_login(cast.manager)
    path = "/facility/LAB-SH/rules/"
    assert "机时配额" in client.get(f"{path}add/", headers=CHINESE).content.decode()
    data = {"most": "8", "window": "week", "per": "user", "valid_from": "2026-03-02"}
    answer = client.post(f"{path}add/?kind=quota", data)
    assert answer.status_code == 302
    assert BookingRule.objects.get().most == 480
    assert "每位用户每周最多 8 小时。" in client.get(path, headers=CHINESE).content.decode()
    english = {"accept-language": "en"}
    for page in (path, "/instruments/LAB-001/"):
        shown = client.get(page, headers=english).content.decode()
        assert "At most 8 h per week for each user." in shown
    assert client.post(f"{path}add/?kind=quota", data).status_code == 422


def test_a_manager_changes_and_ends_a_rule(client, cast):
    made = rule(cast.shanghai_lab, "length", most=60)
    client.force_login(cast.manager)
    path = f"/facility/LAB-SH/rules/{made.pk}"
    assert client.get(f"{path}/replace/").status_code == 200
    assert client.post(f"{path}/replace/", {"on": "2026-03-09"}).status_code == 422
    assert client.post(f"{path}/replace/", {"on": "2026-03-09", "most": 30}).status_code == 302
    last = BookingRule.objects.latest("pk")
    assert last.most == 30
    answer = client.post(f"/facility/LAB-SH/rules/{last.pk}/end/", {"on": "2026-03-16"})
    assert answer.status_code == 302
    assert client.get("/facility/LAB-SH/rules/?show=over").status_code == 200


def test_hours_are_of_the_facility_or_standard_ones(client, cast):
    own, standard, other = (daily(slug, 9, 18) for slug in ("own", "standard", "other"))
    for calendar, place in ((own, cast.shanghai_lab), (other, cast.suzhou_firm)):
        calendar.institution = place
        calendar.save()
    client.force_login(cast.manager)
    path = "/facility/LAB-SH/rules/add/?kind=allowed_hours"
    shown = client.get(path).content.decode()
    assert [f'value="{one.pk}"' in shown for one in (own, standard, other)] == [True, True, False]
    data = {"hours": other.pk, "valid_from": "2026-03-02"}
    assert client.post(path, data).status_code == 422
    with pytest.raises(Malformed) as wrong:
        add_rule(
            by=cast.manager,
            institution=cast.shanghai_lab,
            kind=RuleKind.ALLOWED_HOURS,
            values={"hours": other},
            valid_from=date(2026, 3, 2),
            at=f.MONDAY,
        )
    assert set(wrong.value.errors) == {"hours"}
    assert client.post(path, data | {"hours": own.pk}).status_code == 302
    made = BookingRule.objects.get()
    replaced = f"/facility/LAB-SH/rules/{made.pk}/replace/"
    assert f'value="{other.pk}"' not in client.get(replaced).content.decode()


@pytest.mark.parametrize(("who", "status"), [("operator", 200), ("researcher", 403)])
def test_the_list_is_for_staff_and_the_forms_for_managers(client, cast, who, status):
    made = rule(cast.shanghai_lab, "length", most=60)
    client.force_login(getattr(cast, who))
    assert client.get("/facility/LAB-SH/rules/").status_code == status
    for rest in ("add/", f"{made.pk}/end/", f"{made.pk}/replace/"):
        assert client.get(f"/facility/LAB-SH/rules/{rest}").status_code == 403


def test_the_list_takes_a_fixed_number_of_queries(client, cast, django_assert_max_num_queries):
    for _ in range(10):
        rule(
            cast.shanghai_lab,
            "length",
            most=60,
            instrument=f.InstrumentFactory(institution=cast.shanghai_lab),
        )
    client.force_login(cast.manager)
    client.get("/facility/LAB-SH/rules/")
    with django_assert_max_num_queries(10):
        client.get("/facility/LAB-SH/rules/")
