"""What a programme office does: rules, pools, admissions, applications, suspensions."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from billing.actions.admit_provider import admit_provider, end_admission
from billing.actions.apply_for_allotment import apply_for_allotment
from billing.actions.decide_application import (
    decline_application,
    grant_application,
    withdraw_application,
)
from billing.actions.grant_allotment import grant_allotment
from billing.actions.set_pool import set_pool
from billing.actions.suspend_allotment import resume_allotment, suspend_allotment
from billing.actions.upload_certificate import check_certificate
from billing.certificates import media_type_of
from billing.models import (
    Admission,
    Allotment,
    Application,
    Certificate,
    Pool,
    ProgrammeTerms,
    Redemption,
)
from bookings.models import Booking
from institutions.models import ControllingGroup, GroupMember, Role, User
from kernel.refusals import NotAllowed, Refused, WrongState
from tests import factories as f
from tests.billing import factories as b
from tests.billing import programmes as p
from tests.conftest import Cast
from tests.invariants import money_adds_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def hu_su(db: None) -> ProgrammeTerms:
    return b.terms()


def codes_of(caught: Any) -> list[str]:
    return [refusal.code for refusal in caught.value.refusals]


def test_a_new_version_begins_where_the_one_before_it_ends(hu_su: ProgrammeTerms) -> None:
    office = p.officer("310000")
    new = p.new_terms(office, hu_su.programme, admitted_only=True)
    hu_su.refresh_from_db()
    assert (hu_su.valid_until, new.valid_from, new.version) == (
        date(2026, 3, 31),
        date(2026, 4, 1),
        2,
    )
    assert new.admitted_only
    assert {region.code for region in new.holder_regions.all()} == {"310000", "320500"}


def test_what_a_booking_was_promised_outlives_the_rules(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su)
    b.allotment(hu_su, cast.suzhou_firm)
    booking = b.held(cast, programme="HU-SU", start=b.NINE.replace(month=4, day=6))
    p.new_terms(p.officer("310000"), hu_su.programme, rate=Decimal("0.1"))
    assert Redemption.objects.get().terms == hu_su
    assert b.used(cast, booking).voucher == 1_000
    assert b.held(cast, programme="HU-SU", start=b.NINE.replace(month=4, day=7)).price[
        "voucher"
    ] == ("200.00")


def test_only_the_lead_regions_office_sets_rules(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su)
    for user in (p.officer("320500"), p.officer("310115"), cast.billing_office, cast.stranger):
        with pytest.raises(NotAllowed):
            p.new_terms(user, hu_su.programme)


def test_the_history_says_who_changed_the_rules(hu_su: ProgrammeTerms) -> None:
    office = p.officer("310000")
    new = p.new_terms(office, hu_su.programme)
    events = ProgrammeTerms.pgh_event_model.objects  # type: ignore[attr-defined]
    made = events.get(pgh_obj=new.pk, pgh_label="insert")
    ended = events.get(pgh_obj=hu_su.pk, pgh_label="update")
    for event in (made, ended):
        assert event.pgh_context.metadata["user"] == office.pk


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"rate": Decimal("1.2")}, "rate_not_a_share"),
        ({"rate": Decimal(0)}, "rate_not_a_share"),
        ({"first": date(2027, 1, 1), "last": date(2026, 12, 31)}, "dates_out_of_order"),
        ({"first": date(2026, 3, 1)}, "in_the_past"),
        ({"annual_cap": Decimal(0)}, "cap_not_positive"),
        ({"annual_cap": None, "cap_per": "group"}, "group_without_cap"),
        ({"holder_kinds": []}, "nobody_eligible"),
        ({"service_kinds": []}, "nothing_eligible"),
    ],
)
def test_rules_that_make_no_sense_are_refused(
    hu_su: ProgrammeTerms, wrong: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        p.new_terms(p.officer("310000"), hu_su.programme, **wrong)
    assert codes_of(caught) == [code]
    assert ProgrammeTerms.objects.count() == 1


def test_rules_that_overlap_later_ones_are_refused(hu_su: ProgrammeTerms) -> None:
    office = p.officer("310000")
    p.new_terms(office, hu_su.programme, first=date(2026, 5, 1))
    with pytest.raises(Refused) as caught:
        p.new_terms(office, hu_su.programme, first=date(2026, 4, 1))
    assert codes_of(caught) == ["terms_overlap"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"cap_per": "planet"},
        {"evidence": ["gossip"]},
        {"enterprise_sizes": ["huge"]},
        {"claim_within_days": 0},
        {"cap_per": "group", "annual_cap": None},
    ],
)
def test_the_database_knows_the_words_of_the_rules(
    hu_su: ProgrammeTerms, wrong: dict[str, Any]
) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        ProgrammeTerms.objects.filter(pk=hu_su.pk).update(**wrong)


def pooled(user: User, terms: ProgrammeTerms, amount: Any = 1_000, **other: Any) -> Pool:
    wanted = {"region": f.region("320500"), "year": 2026}
    return set_pool(
        by=user, programme=terms.programme, amount=Decimal(amount), at=f.MONDAY, **wanted | other
    )


def test_a_funding_office_sets_its_own_pool_and_changes_it(hu_su: ProgrammeTerms) -> None:
    office = p.officer("320500")
    assert pooled(office, hu_su).amount == 1_000
    assert pooled(office, hu_su, 2_000).amount == 2_000
    assert Pool.objects.count() == 1
    for stranger in (p.officer("310000"), p.officer("320571"), f.UserFactory()):
        with pytest.raises(NotAllowed):
            pooled(stranger, hu_su)


def test_a_pool_never_falls_below_what_is_committed(cast: Cast, hu_su: ProgrammeTerms) -> None:
    office = p.officer("320500")
    pooled(office, hu_su, 5_000)
    b.allotment(hu_su, cast.suzhou_firm)
    b.held(cast, programme="HU-SU")
    with pytest.raises(Refused) as caught:
        pooled(office, hu_su, "999.99")
    assert codes_of(caught) == ["pool_below_committed"]
    assert pooled(office, hu_su, 1_000).committed == 1_000


@pytest.mark.parametrize(
    ("office", "other", "code"),
    [
        ("320500", {"amount": 0}, "amount_not_positive"),
        ("320500", {"year": 2031}, "outside_dates"),
        ("330100", {"region": "330100"}, "region_holds_nobody"),
    ],
)
def test_a_pool_without_sense_is_refused(
    hu_su: ProgrammeTerms, office: str, other: dict[str, Any], code: str
) -> None:
    if "region" in other:
        other = {"region": f.region(other["region"])}
    with pytest.raises(Refused) as caught:
        pooled(p.officer(office), hu_su, **other)
    assert codes_of(caught) == [code]
    assert not Pool.objects.exists()


def test_changing_a_pools_amount_is_history_and_holding_is_not(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    office = p.officer("320500")
    pool = pooled(office, hu_su, 5_000)
    b.allotment(hu_su, cast.suzhou_firm)
    b.held(cast, programme="HU-SU")
    events = Pool.pgh_event_model.objects.filter(pgh_obj=pool.pk)  # type: ignore[attr-defined]
    assert [event.amount for event in events.order_by("pgh_id")] == [0, 5_000]


def test_admissions_of_one_provider_never_overlap(cast: Cast, hu_su: ProgrammeTerms) -> None:
    office = p.officer("310000")

    def admit(first: date, last: date | None, by: User = office) -> Admission:
        return admit_provider(
            by=by,
            programme=hu_su.programme,
            provider=cast.shanghai_lab,
            valid_from=first,
            valid_until=last,
            at=f.MONDAY,
        )

    admission = admit(date(2026, 1, 1), None)
    for first, last, code in (
        (date(2026, 5, 1), date(2026, 6, 1), "admission_overlaps"),
        (date(2026, 5, 1), date(2026, 4, 1), "dates_out_of_order"),
    ):
        with pytest.raises(Refused) as caught:
            admit(first, last)
        assert codes_of(caught) == [code]
    with pytest.raises(NotAllowed):
        admit(date(2026, 1, 1), None, p.officer("320500"))

    def end(day: date, by: User = office) -> Admission:
        return end_admission(by=by, admission=admission, last_day=day, at=f.MONDAY)

    with pytest.raises(NotAllowed):
        end(date(2026, 4, 30), cast.billing_office)
    with pytest.raises(Refused) as caught:
        end(date(2026, 3, 1))
    assert codes_of(caught) == ["in_the_past"]
    assert end(date(2026, 4, 30)).valid_until == date(2026, 4, 30)
    with pytest.raises(Refused) as caught:
        end(date(2026, 5, 30))
    assert codes_of(caught) == ["already_ended"]
    admit(date(2026, 5, 1), None)


def applied(cast: Cast, terms: ProgrammeTerms, **other: Any) -> Application:
    wanted = {"by": cast.payer_office, "holder": cast.suzhou_firm, "year": 2026}
    wanted |= {"amount": Decimal(50_000), "purpose": "Alloys", "at": f.MONDAY}
    return apply_for_allotment(programme=terms.programme, **wanted | other)


def test_an_application_is_granted_as_an_allotment(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su)
    application = applied(cast, hu_su)
    office = p.officer("320500")
    granted = grant_application(
        by=office, application=application, amount=Decimal(30_000), at=f.MONDAY
    )
    allotment = Allotment.objects.get(holder=cast.suzhou_firm)
    assert (granted.state, granted.granted_amount, granted.allotment) == (
        "granted",
        30_000,
        allotment,
    )
    assert allotment.cap == 30_000
    [event] = allotment.events.all()
    assert (event.kind, event.cap, event.by) == ("granted", 30_000, office)
    for again in (grant_application, decline_application):
        with pytest.raises(WrongState):
            again(by=office, application=application, reason="x", at=f.MONDAY)


def test_an_application_is_declined_or_taken_back(cast: Cast, hu_su: ProgrammeTerms) -> None:
    office = p.officer("310000")
    first = applied(cast, hu_su)
    with pytest.raises(Refused) as caught:
        applied(cast, hu_su)
    assert codes_of(caught) == ["already_applied"]
    declined = decline_application(by=office, application=first, reason="late", at=f.MONDAY)
    assert (declined.state, declined.reason, declined.decided_by) == ("declined", "late", office)
    second = applied(cast, hu_su)
    with pytest.raises(NotAllowed):
        withdraw_application(by=office, application=second, at=f.MONDAY)
    assert (
        withdraw_application(by=cast.payer_office, application=second, at=f.MONDAY).state
        == "withdrawn"
    )


def test_a_grant_that_is_refused_leaves_the_application_open(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    application = applied(cast, hu_su)
    with pytest.raises(Refused) as caught:
        grant_application(by=p.officer("310000"), application=application, at=f.MONDAY)
    assert codes_of(caught) == ["no_pool"]
    application.refresh_from_db()
    assert application.state == "applied"
    assert not Allotment.objects.exists()


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"amount": Decimal(0)}, "amount_not_positive"),
        ({"year": 2031}, "outside_dates"),
        ({"year": 2025}, "in_the_past"),
    ],
)
def test_an_application_without_sense_is_refused(
    cast: Cast, hu_su: ProgrammeTerms, other: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        applied(cast, hu_su, **other)
    assert code in codes_of(caught)


def test_who_applies_and_who_decides(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su)
    for user in (cast.researcher, cast.principal, cast.billing_office, p.officer("310000")):
        with pytest.raises(NotAllowed):
            applied(cast, hu_su, by=user)
    application = applied(cast, hu_su)
    for user in (cast.payer_office, cast.billing_office, p.officer("310115")):
        with pytest.raises(NotAllowed):
            grant_application(by=user, application=application, at=f.MONDAY)
        with pytest.raises(NotAllowed):
            decline_application(by=user, application=application, reason="x", at=f.MONDAY)


def test_another_institutions_certificate_does_not_come_along(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    theirs = p.certificate(cast.billing_office, cast.shanghai_lab)
    with pytest.raises(Refused) as caught:
        applied(cast, hu_su, certificates=[theirs])
    assert codes_of(caught) == ["certificate_of_another"]


def test_a_certificate_is_known_by_its_content(cast: Cast) -> None:
    made = p.certificate(cast.payer_office, cast.suzhou_firm, file_name="a.png")
    assert (made.media_type, made.sha256) == (
        "application/pdf",
        hashlib.sha256(p.PDF).hexdigest(),
    )
    assert bytes(made.file.content) == p.PDF
    with pytest.raises(Refused) as caught:
        p.certificate(cast.payer_office, cast.suzhou_firm)
    assert codes_of(caught) == ["already_uploaded"]
    with pytest.raises(NotAllowed):
        p.certificate(cast.researcher, cast.suzhou_firm)


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"%PDF-1.7 cut off", b"<html>%PDF-1.7 %%EOF", b"\x89PNG\r\n\x1a\n", b"%%EOF"],
)
def test_what_is_no_whole_document_is_none(cast: Cast, content: bytes) -> None:
    assert media_type_of(content) is None
    with pytest.raises(Refused) as caught:
        p.certificate(cast.payer_office, cast.suzhou_firm, content=content)
    assert codes_of(caught) == ["file_not_supported"]


def test_every_complaint_about_a_certificate_is_told_at_once(cast: Cast) -> None:
    with pytest.raises(Refused) as caught:
        p.certificate(
            cast.payer_office,
            cast.suzhou_firm,
            content=p.PDF * 250_000,
            size="",
            valid_until=date(2025, 1, 1),
        )
    assert codes_of(caught) == ["file_too_large", "size_missing", "dates_out_of_order"]


def test_a_certificate_is_judged_once_by_an_office_that_needs_it(
    cast: Cast, hu_su: ProgrammeTerms
) -> None:
    made = p.certificate(cast.payer_office, cast.suzhou_firm)
    office = p.officer("310000")

    def judge(by: User) -> Certificate:
        return check_certificate(by=by, certificate=made, accepted=True, at=f.MONDAY)

    with pytest.raises(NotAllowed):
        judge(office)
    applied(cast, hu_su, certificates=[made])
    for user in (cast.payer_office, p.officer("320500")):
        with pytest.raises(NotAllowed):
            judge(user)
    assert judge(office).is_accepted
    with pytest.raises(WrongState):
        judge(office)
    for change in ({"is_accepted": False}, {"size": "micro"}, {"sha256": "0" * 64}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Certificate.objects.filter(pk=made.pk).update(**change)


def test_a_programme_for_sizes_allots_only_with_a_certificate(cast: Cast) -> None:
    terms = b.terms(enterprise_sizes=["small"])
    b.pool(terms)
    office = p.officer("310000")
    application = applied(cast, terms)
    with pytest.raises(Refused) as caught:
        grant_application(by=office, application=application, at=f.MONDAY)
    assert codes_of(caught) == ["size_not_certified"]
    p.accepted(cast.payer_office, office, application, cast.suzhou_firm)
    assert grant_application(by=office, application=application, at=f.MONDAY).state == "granted"


def test_a_group_is_allotted_no_more_than_its_cap_together(cast: Cast) -> None:
    terms = b.terms(cap_per="group")
    b.pool(terms)
    firm = f.InstitutionFactory(kind="enterprise", region=f.region("320509"))
    group = ControllingGroup.objects.create(name_zh="集团", name_en="Group")
    for one in (cast.suzhou_firm, firm):
        GroupMember.objects.create(group=group, institution=one)
    office = p.officer("310000")

    def grant(holder: Any, cap: int) -> Allotment:
        return grant_allotment(
            by=office,
            programme=terms.programme,
            holder=holder,
            year=2026,
            cap=Decimal(cap),
            at=f.MONDAY,
        )

    grant(firm, 200_000)
    with pytest.raises(Refused) as caught:
        grant(cast.suzhou_firm, 100_001)
    assert codes_of(caught) == ["group_cap_too_high"]
    grant(cast.suzhou_firm, 100_000)


def test_an_allotment_is_suspended_and_resumed(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su)
    allotment = b.allotment(hu_su, cast.suzhou_firm)
    office = p.officer("320500")
    for user in (cast.payer_office, p.officer("310115")):
        with pytest.raises(NotAllowed):
            suspend_allotment(by=user, allotment=allotment, reason="x", at=f.MONDAY)
    assert suspend_allotment(by=office, allotment=allotment, reason="audit", at=f.MONDAY)
    with pytest.raises(WrongState):
        suspend_allotment(by=office, allotment=allotment, reason="audit", at=f.MONDAY)
    with pytest.raises(Refused):
        b.held(cast, programme="HU-SU")
    resume_allotment(by=office, allotment=allotment, reason="", at=f.MONDAY)
    with pytest.raises(WrongState):
        resume_allotment(by=office, allotment=allotment, reason="", at=f.MONDAY)
    b.held(cast, programme="HU-SU")
    assert [event.kind for event in allotment.events.all()] == ["suspended", "resumed"]
    with pytest.raises(DatabaseError), transaction.atomic():
        allotment.events.update(kind="granted")
    money_adds_up()


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 1},
        {"state": "granted"},
        {"state": "declined"},
        {"granted_amount": 5},
        {"holder": None},
    ],
)
def test_an_application_is_never_rewritten(
    cast: Cast, hu_su: ProgrammeTerms, change: dict[str, Any]
) -> None:
    applied(cast, hu_su)
    with pytest.raises(DatabaseError), transaction.atomic():
        Application.objects.update(**change)


def test_consent_is_whole_and_covers_what_is_held(cast: Cast, hu_su: ProgrammeTerms) -> None:
    b.pool(hu_su)
    allotment = b.allotment(hu_su, cast.suzhou_firm)
    booking: Booking = b.booking(cast)
    for wrong in (
        {"most_owed": Decimal(5)},
        {"most_owed": Decimal(9), "consented_by": cast.researcher, "consented_at": f.MONDAY},
    ):
        with pytest.raises(DatabaseError) as caught, transaction.atomic():
            Redemption.objects.create(
                booking=booking,
                allotment=allotment,
                pool=Pool.objects.get(),
                terms=hu_su,
                state="held",
                held_amount=Decimal(10),
                created_at=f.MONDAY,
                **wrong,
            )
        assert "redemption_says_who_consented" in str(caught.value)


def test_an_administrator_of_the_office_is_no_officer(hu_su: ProgrammeTerms) -> None:
    office = f.InstitutionFactory(kind="public_platform", region=f.region("310000"))
    with pytest.raises(NotAllowed):
        p.new_terms(f.person(office, Role.ADMINISTRATOR), hu_su.programme)
