"""`opening-calendars/`: read by everybody who is signed in, edited by the facility's managers."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from schedule.models import Calendar

from bookings.models import Resource
from institutions.models import Role
from instruments.actions.import_catalogue.opening import standard_calendars
from instruments.calendars import spans_of
from instruments.models import Instrument, OpeningCalendar, OpeningException
from kernel import clock
from tests import factories as f
from tests.bookings.rules import rule as dated
from tests.conftest import Api, Cast

URL = "/api/v1/opening-calendars/"
BODY: dict[str, Any] = {
    "institution": "LAB-SH",
    "name_en": "Office hours",
    "name_zh": "办公时间",
    "holiday_country": "CN",
    "makeup_days": True,
    "spans": [
        {"start": "09:00", "end": "12:00", "weekdays": ["MO", "TU"]},
        {"start": "00:00", "end": "24:00", "weekdays": ["SA"]},
        {
            "start": "22:00",
            "end": "06:00",
            "frequency": "MONTHLY",
            "params": "byweekday:FR;bysetpos:-1",
            "first_on": "2011-01-03",
            "until": None,
        },
    ],
}


@pytest.fixture
def slug(cast: Cast) -> str:
    return Api(cast.manager).post(URL, BODY).json()["slug"]


def in_days(count: int) -> date:
    return clock.today("Asia/Shanghai") + timedelta(days=count)


def test_a_manager_makes_a_calendar_that_reads_back_as_it_was_written(cast: Cast) -> None:
    answer = Api(cast.manager).post(URL, BODY)
    assert answer.status_code == 201
    made = answer.json()
    shown = {name: made[name] for name in BODY if name != "spans"}
    assert shown == {name: BODY[name] for name in shown}
    assert made["timezone"] == "Asia/Shanghai"
    expected = [dict(span) for span in BODY["spans"]]
    expected[1]["end"] = "00:00"
    by_start = sorted(made["spans"], key=lambda span: span["start"])
    assert by_start == sorted(expected, key=lambda span: span["start"])
    assert Api(cast.stranger).get(f"{URL}{made['slug']}/").json() == made


def test_the_calendar_has_its_institutions_zone(cast: Cast) -> None:
    cast.shanghai_lab.timezone = "America/New_York"
    cast.shanghai_lab.save()
    made = Api(cast.manager).post(URL, BODY).json()
    assert made["timezone"] == "America/New_York"
    window = {"start": "2026-03-09T00:00:00Z", "end": "2026-03-10T00:00:00Z"}
    hours = Api(cast.manager).get(f"{URL}{made['slug']}/hours/", window).json()
    [opened] = hours["open"]
    # Clocks went forward the day before: 09:00 is 13:00 UTC.
    assert datetime.fromisoformat(opened["start"]) == datetime(2026, 3, 9, 13, tzinfo=UTC)
    assert datetime.fromisoformat(opened["end"]) == datetime(2026, 3, 9, 16, tzinfo=UTC)


def test_the_same_key_makes_one_calendar(cast: Cast) -> None:
    api, key = Api(cast.manager), {"Idempotency-Key": "one"}
    first, second = (api.post(URL, BODY, headers=key).json() for _ in range(2))
    assert first == second
    assert OpeningCalendar.objects.count() == 1


def test_put_replaces_the_whole_calendar(cast: Cast, slug: str) -> None:
    answer = Api(cast.manager).put(f"{URL}{slug}/", {"name_zh": "夜间"})
    assert answer.status_code == 200
    saved = answer.json()
    assert (saved["name_en"], saved["name_zh"], saved["spans"]) == ("夜间", "夜间", [])
    assert (saved["holiday_country"], saved["makeup_days"]) == ("", False)
    assert saved["institution"] == "LAB-SH"


@pytest.mark.parametrize("who", ["operator", "billing_office", "researcher", "stranger"])
def test_only_the_facilitys_managers_edit(cast: Cast, slug: str, who: str) -> None:
    api = Api(getattr(cast, who))
    exceptions = f"{URL}{slug}/exceptions/"
    day = {"first_on": str(in_days(3)), "reason": "Move"}
    pk = Api(cast.manager).post(exceptions, day).json()["id"]
    assert api.post(URL, BODY).status_code == 403
    assert api.put(f"{URL}{slug}/", {"name_en": "x"}).status_code == 403
    assert api.post(exceptions, day).status_code == 403
    assert api.delete(f"{exceptions}{pk}/").status_code == 403
    assert OpeningCalendar.objects.get().name == "Office hours"
    assert OpeningException.objects.count() == 1


def test_another_facilitys_manager_reads_and_does_not_edit(cast: Cast, slug: str) -> None:
    api = Api(f.person(cast.suzhou_firm, Role.FACILITY_MANAGER))
    assert api.get(f"{URL}{slug}/").status_code == 200
    assert api.put(f"{URL}{slug}/", {"name_en": "x"}).status_code == 403
    assert api.post(URL, BODY).status_code == 403


def test_nobody_edits_the_standard_calendars(cast: Cast) -> None:
    standard_calendars()
    api = Api(cast.manager)
    shown = api.get(f"{URL}always-open/").json()
    assert shown["institution"] is None
    assert api.put(f"{URL}always-open/", {"name_en": "x"}).status_code == 403
    day = {"first_on": str(in_days(3)), "reason": "Move"}
    assert api.post(f"{URL}always-open/exceptions/", day).status_code == 403


def test_the_list_is_paged_filtered_and_takes_a_fixed_number_of_queries(
    cast: Cast, slug: str, django_assert_num_queries: Any
) -> None:
    standard_calendars()
    api = Api(cast.stranger)
    with django_assert_num_queries(2):
        answer = api.get(URL).json()
    assert answer["count"] == 4
    with django_assert_num_queries(2):
        answer = api.get(URL, {"institution": "LAB-SH"}).json()
    assert [row["slug"] for row in answer["results"]] == [slug]
    assert api.get(URL, {"institution": "NONE"}).json()["count"] == 0


def test_names_are_in_the_language_of_the_request(cast: Cast, slug: str) -> None:
    standard_calendars()
    api = Api(cast.stranger)
    rows = api.get(URL, headers={"Accept-Language": "zh-hans"}).json()["results"]
    assert {row["name"] for row in rows} >= {"办公时间", "全天开放"}
    rows = api.get(URL, headers={"Accept-Language": "en"}).json()["results"]
    assert {row["name"] for row in rows} >= {"Office hours", "Always open"}


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("institution", {"institution": "NONE"}),
        ("name_en", {"name_en": "", "name_zh": ""}),
        ("holiday_country", {"holiday_country": "XX"}),
        ("spans.0.start", {"spans": [{"start": "9:00", "end": "12:00", "weekdays": ["MO"]}]}),
        ("spans.0.end", {"spans": [{"start": "09:00", "end": "24:30", "weekdays": ["MO"]}]}),
        ("spans.0.weekdays", {"spans": [{"start": "09:00", "end": "12:00"}]}),
        ("spans.0.weekdays", {"spans": [{"start": "09:00", "end": "12:00", "weekdays": []}]}),
        ("spans", {"spans": [{"start": "09:00", "end": "09:00", "weekdays": ["MO"]}]}),
        ("spans", {"spans": [BODY["spans"][0]] * 51}),
        ("spans.0.first_on", {"spans": [{"start": "09:00", "end": "12:00", "frequency": "DAILY"}]}),
        ("spans.0.frequency", {"spans": [BODY["spans"][2] | {"frequency": "HOURLY"}]}),
        ("spans.0.params", {"spans": [BODY["spans"][2] | {"params": "byweekday:1FR"}]}),
        ("spans.0.params", {"spans": [BODY["spans"][2] | {"params": "count:3"}]}),
        ("spans.0.until", {"spans": [BODY["spans"][2] | {"until": "2010-01-01"}]}),
    ],
)
def test_what_makes_no_sense_is_malformed_on_its_field(
    cast: Cast, field: str, change: dict[str, Any]
) -> None:
    answer = Api(cast.manager).post(URL, BODY | change)
    assert answer.status_code == 400
    assert {name.split(".1")[0] for name in answer.json()["errors"]} == {field}
    assert not OpeningCalendar.objects.exists()


def test_an_exception_closes_a_day_until_it_is_removed(cast: Cast, slug: str) -> None:
    api = Api(cast.manager)
    api.put(
        f"{URL}{slug}/",
        {
            "name_en": "x",
            "spans": [{"start": "00:00", "end": "24:00", "weekdays": list(_EVERY_DAY)}],
        },
    )
    day = in_days(3)
    window = {"start": f"{day}T00:00:00+08:00", "end": f"{day}T23:00:00+08:00"}
    made = api.post(f"{URL}{slug}/exceptions/", {"first_on": str(day), "reason": "Move"})
    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"],
        "first_on": str(day),
        "last_on": str(day),
        "closed": True,
        "opens": None,
        "closes": None,
        "reason": "Move",
    }
    assert api.get(f"{URL}{slug}/hours/", window).json()["open"] == []
    assert api.delete(f"{URL}{slug}/exceptions/{made.json()['id']}/").status_code == 204
    assert len(api.get(f"{URL}{slug}/hours/", window).json()["open"]) == 1


_EVERY_DAY = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def test_exceptions_with_hours_are_listed_from_a_day_on(cast: Cast, slug: str) -> None:
    api, path = Api(cast.manager), f"{URL}{slug}/exceptions/"
    for count, opens, closes in ((3, "10:00", "12:00"), (5, "20:00", "02:00")):
        body = {"first_on": str(in_days(count)), "reason": "Open day"}
        assert api.post(path, body | {"opens": opens, "closes": closes}).status_code == 201
    rows = Api(cast.stranger).get(path, {"since": str(in_days(4))}).json()["results"]
    assert [(row["opens"], row["closes"], row["closed"]) for row in rows] == [
        ("20:00", "02:00", False)
    ]


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("reason", {"reason": ""}),
        ("first_on", {"first_on": "1990-01-01"}),
        ("last_on", {"last_on": "2020-01-01"}),
        ("closes", {"opens": "09:00"}),
        ("opens", {"opens": "9", "closes": "12:00"}),
        ("opens", {"opens": "24:00", "closes": "12:00"}),
        ("closes", {"opens": "09:00", "closes": "09:00"}),
    ],
)
def test_an_exception_that_makes_no_sense_is_malformed(
    cast: Cast, slug: str, field: str, change: dict[str, Any]
) -> None:
    body = {"first_on": str(in_days(3)), "reason": "Move"} | change
    answer = Api(cast.manager).post(f"{URL}{slug}/exceptions/", body)
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {field}


def test_exceptions_that_contradict_or_are_over_are_refused(cast: Cast, slug: str) -> None:
    api, path = Api(cast.manager), f"{URL}{slug}/exceptions/"
    body = {"first_on": str(in_days(3)), "last_on": str(in_days(5)), "reason": "Move"}
    assert api.post(path, body).status_code == 201
    again = api.post(
        path, body | {"first_on": str(in_days(5)), "opens": "09:00", "closes": "10:00"}
    )
    assert again.status_code == 422
    assert [r["code"] for r in again.json()["refusals"]] == ["exception_overlaps"]
    over = api.post(path, {"first_on": str(in_days(-2)), "reason": "Move"})
    assert over.status_code == 422
    assert [r["code"] for r in over.json()["refusals"]] == ["exception_in_the_past"]


def test_a_calendar_that_nothing_follows_is_deleted_with_its_hours(cast: Cast, slug: str) -> None:
    client = Api(cast.manager)
    day = in_days(2).isoformat()
    client.post(f"{URL}{slug}/exceptions/", {"first_on": day, "reason": "Audit"})
    for who, status in ((cast.operator, 403), (cast.stranger, 403), (None, 401)):
        assert Api(who).delete(f"{URL}{slug}/").status_code == status
    assert client.delete(f"{URL}{slug}/").status_code == 204
    assert client.delete(f"{URL}{slug}/").status_code == 404
    assert not OpeningException.objects.exists()
    assert not Calendar.objects.filter(slug=slug).exists()


@pytest.mark.parametrize("kind", ["opening_calendar", "start_calendar", "working_hours", "rule"])
def test_a_calendar_in_use_is_not_deleted(cast: Cast, slug: str, kind: str) -> None:
    calendar = OpeningCalendar.objects.get(slug=slug)
    if kind == "working_hours":
        Resource.objects.create(
            kind="operator",
            institution=cast.shanghai_lab,
            person=cast.operator,
            working_hours=calendar,
        )
    elif kind == "rule":
        dated(cast.shanghai_lab, "allowed_hours", hours=calendar)
    else:
        Instrument.objects.filter(pk=cast.instrument.pk).update(**{kind: calendar})
    answer = Api(cast.manager).delete(f"{URL}{slug}/")
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["refusals"]] == ["calendar_in_use"]
    assert spans_of(calendar).spans


def test_what_is_not_there_is_not_found(cast: Cast, slug: str) -> None:
    api = Api(cast.manager)
    window = {"start": "2026-03-09T00:00:00Z", "end": "2026-03-10T00:00:00Z"}
    assert api.get(f"{URL}none/").status_code == 404
    assert api.put(f"{URL}none/", {"name_en": "x"}).status_code == 404
    assert api.get(f"{URL}none/hours/", window).status_code == 404
    assert api.get(f"{URL}none/exceptions/").status_code == 404
    assert api.delete(f"{URL}{slug}/exceptions/999/").status_code == 404


def test_an_exception_is_removed_through_its_own_calendar_only(cast: Cast, slug: str) -> None:
    day = {"first_on": str(in_days(3)), "reason": "Move"}
    pk = Api(cast.manager).post(f"{URL}{slug}/exceptions/", day).json()["id"]
    firm = {"institution": "FIRM-SZ", "name_en": "x"}
    other = f.person(cast.suzhou_firm, Role.FACILITY_MANAGER)
    theirs = Api(other).post(URL, firm).json()["slug"]
    assert Api(other).delete(f"{URL}{theirs}/exceptions/{pk}/").status_code == 404
    assert OpeningException.objects.count() == 1


def test_nobody_reads_without_signing_in(cast: Cast, slug: str) -> None:
    for path in (URL, f"{URL}{slug}/", f"{URL}{slug}/exceptions/"):
        assert Api().get(path).status_code == 401
