"""Instrument logs: what is read, what is matched, what becomes of it."""

from io import BytesIO

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import ProgrammingError

from bookings.actions.check_in import check_in
from bookings.actions.complete import complete_booking
from bookings.actions.record_log import NotText, read_log, record_log
from bookings.models import InstrumentLogLine, Usage
from kernel.periods import Period
from kernel.refusals import Malformed, NotAllowed
from tests import factories as f
from tests.bookings.test_request import HOUR, NOW, book, hours

ZONES = {"LAB-001": "Asia/Shanghai", "NY-1": "America/New_York"}
LATER = NOW + 48 * HOUR
HEADER = "instrument,started_at,ended_at,operator\n"


def read(text: str | bytes, *, header: str = HEADER):
    raw = text if isinstance(text, bytes) else (header + text).encode()
    return read_log(BytesIO(raw), ZONES, at=LATER)


def send(cast, *lines: str, by=None):
    """Lines of LAB-001 (on Tuesday, Shanghai), each `HH:MM-HH:MM` with an operator or none."""
    text = ""
    for line in lines:
        times, _space, operator = line.partition(" ")
        start, end = times.split("-")
        text += f"LAB-001,2026-03-03 {start},2026-03-03 {end},{operator}\n"
    rows, errors = read(text)
    assert errors == []
    return record_log(
        by=by or cast.operator, rows=rows, instruments={"LAB-001": cast.instrument}, at=LATER
    )


def reasons(outcome) -> list[tuple[int, str]]:
    return [(one.number, one.reason) for one in outcome.unmatched]


# --- reading ------------------------------------------------------------------------------------


def test_naive_times_are_the_institutions_and_offsets_are_believed():
    rows, _errors = read(
        "LAB-001,2026-03-03 09:00,2026-03-03T10:00:30,Li\n"
        "NY-1,2026/3/2 9:00,2026-03-02 10:00:00\n"
        "LAB-001,2026-03-03T01:00Z,2026-03-03T12:00+08:00\n"
    )
    assert rows[0].period == Period(NOW + 25 * HOUR, NOW + 26 * HOUR + HOUR / 120)
    assert rows[1].period == hours(14, 15)
    assert rows[2].period == hours(25, 28)
    assert [(row.number, row.operator) for row in rows] == [(2, "Li"), (3, ""), (4, "")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encodings_that_are_met_in_china_are_read(encoding):
    raw = (HEADER + "LAB-001,2026-03-03 09:00,2026-03-03 10:00,李\n").encode(encoding)
    assert read(raw)[0][0].operator == "李"


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_found_out_and_columns_may_be_in_any_order(delimiter):
    lines = [["ended_at", "Instrument", "started_at"], ["2026-03-03 10:00", "LAB-001"]]
    lines[1].append("2026-03-03 09:00")
    raw = "\n".join(delimiter.join(cells) for cells in lines).encode()
    assert read(raw)[0][0].period == hours(25, 26)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("OTHER,2026-03-03 09:00,2026-03-03 10:00", "instrument"),
        ("LAB-001,yesterday,2026-03-03 10:00", "times"),
        ("LAB-001,2026-02-30 09:00,2026-03-03 10:00", "times"),
        ("LAB-001,2026-03-03 09:00", "times"),
        ("LAB-001,2026-03-03 10:00,2026-03-03 10:00", "after the start"),
        ("LAB-001,2026-03-03 10:00,2027-03-03 11:00", "happened"),
        ("LAB-001,2025-03-03 10:00,2026-03-03 10:00", "60 days"),
        ("LAB-001,2026-03-03 09:00,2026-03-03 10:00," + "x" * 101, "too long"),
    ],
)
def test_a_line_that_cannot_be_is_told_with_its_number(line, word, settings):
    settings.LANGUAGE_CODE = "en"
    rows, errors = read(f"LAB-001,2026-03-03 09:00,2026-03-03 10:00\n\n{line}\n")
    assert len(rows) == 1
    assert [error.number for error in errors] == [4]
    assert word in str(errors[0].message)


def test_refuses_a_file_without_the_columns_or_without_a_line_that_can_be_read():
    for raw in (b"", b"a,b\n1,2\n", HEADER.encode(), (HEADER + "LAB-001,x,y\n").encode()):
        with pytest.raises(Malformed):
            read(raw)


def test_what_is_no_text_is_no_log():
    with pytest.raises(NotText):
        read(b"\x89PNG\x00\x01\x02")
    with pytest.raises(NotText):
        read(b"\xff\xff\xff")


# --- matching -----------------------------------------------------------------------------------


def test_several_lines_of_a_booking_are_runs_with_idle_time_between_them(cast):
    booking = check_in(by=cast.researcher, booking=book(cast), at=NOW + 24 * HOUR)
    outcome = send(cast, "08:05-08:30", "08:45-09:30 Li", "09:30-09:55")
    assert (outcome.lines, outcome.matched, outcome.completed) == (3, 3, [booking.reference])
    assert outcome.unmatched == []
    usage = Usage.objects.get(booking=booking)
    assert (usage.source, usage.recorded_by) == ("log", cast.operator)
    first = NOW + 24 * HOUR
    minutes = [
        (
            one.kind,
            (one.period.start - first).seconds // 60,
            (one.period.end - first).seconds // 60,
        )
        for one in usage.segments.all()
    ]
    assert minutes == [("run", 5, 30), ("idle", 30, 45), ("run", 45, 115)]
    assert InstrumentLogLine.objects.filter(usage=usage).count() == 3


def test_a_line_belongs_to_the_booking_that_it_overlaps_most(cast):
    first, second = book(cast, hours(24, 26)), book(cast, hours(26, 28))
    outcome = send(cast, "09:30-11:30")
    assert outcome.completed == [second.reference]
    first.refresh_from_db()
    assert first.state == "approved"


def test_a_line_of_a_booking_that_is_over_does_not_fall_to_its_neighbour(cast):
    first, second = book(cast, hours(24, 26)), book(cast, hours(26, 28))
    complete_booking(by=cast.manager, booking=first, during=hours(24, 26), at=LATER)
    assert reasons(send(cast, "08:00-10:10")) == [(2, "already_recorded")]
    second.refresh_from_db()
    assert second.state == "approved"


def test_what_fits_no_booking_is_kept_and_tried_again_when_it_comes_again(cast):
    assert reasons(send(cast, "08:05-08:30")) == [(2, "no_booking")]
    assert InstrumentLogLine.objects.get().usage is None
    booking = book(cast)
    outcome = send(cast, "08:05-08:30")
    assert (outcome.completed, outcome.repeated) == ([booking.reference], 0)
    assert InstrumentLogLine.objects.count() == 1


def test_the_same_line_twice_is_taken_once(cast):
    book(cast)
    outcome = send(cast, "08:05-08:30", "08:05-08:30")
    assert (outcome.lines, outcome.matched, outcome.repeated) == (2, 1, 1)
    again = send(cast, "08:05-08:30")
    assert (again.matched, again.repeated, again.completed) == (0, 1, [])


def test_what_a_rule_refuses_spoils_nothing_else(cast):
    book(cast, hours(24, 26))
    second = book(cast, hours(27, 28))
    rows, _errors = read(
        "LAB-001,2026-03-01 08:00,2026-03-03 09:00\nLAB-001,2026-03-03 11:00,2026-03-03 12:00\n"
    )
    outcome = record_log(
        by=cast.manager, rows=rows, instruments={"LAB-001": cast.instrument}, at=LATER
    )
    assert reasons(outcome) == [(2, "use_outside_booking")]
    assert outcome.completed == [second.reference]


def test_only_the_facilitys_own_staff_sends_its_logs(cast):
    elsewhere = f.person(cast.suzhou_firm, "facility_manager")
    for person in (cast.researcher, cast.billing_office, elsewhere):
        with pytest.raises(NotAllowed):
            send(cast, "08:05-08:30", by=person)
    assert not InstrumentLogLine.objects.exists()


def test_a_log_is_matched_in_a_fixed_number_of_queries(cast, django_assert_max_num_queries):
    lines = [
        f"{hour:02}:{minute:02}-{hour:02}:{minute + 1:02}"
        for hour in range(20)
        for minute in range(50)
    ]
    with django_assert_max_num_queries(8):
        assert len(send(cast, *lines).unmatched) == 1000


# --- the database -------------------------------------------------------------------------------


def line(cast, **fields) -> InstrumentLogLine:
    with transaction.atomic():
        return InstrumentLogLine.objects.create(
            **{
                "instrument": cast.instrument,
                "during": hours(24, 25).as_range(),
                "received_by": cast.operator,
                "received_at": LATER,
            }
            | fields
        )


def test_the_database_takes_the_same_line_once(cast):
    line(cast)
    line(cast, operator="Li")
    with pytest.raises(IntegrityError, match="log_line_once"):
        line(cast)


def test_the_database_keeps_lines_as_they_came_and_finds_their_use_once(cast):
    first, second = book(cast, hours(24, 26)), book(cast, hours(26, 28))
    usages = [
        complete_booking(by=cast.manager, booking=one, during=one.period, at=LATER)
        for one in (first, second)
    ]
    kept = InstrumentLogLine.objects.filter(pk=line(cast).pk)
    with pytest.raises(ProgrammingError), transaction.atomic():
        kept.update(during=hours(25, 26).as_range())
    with pytest.raises(ProgrammingError), transaction.atomic():
        kept.delete()
    kept.update(usage=usages[0], operator="redacted")
    with pytest.raises(IntegrityError, match="log_line_found_once"), transaction.atomic():
        kept.update(usage=usages[1])
