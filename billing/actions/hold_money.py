"""Promise voucher money and project budget to bookings."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from billing import facts, reading
from billing.actions.draw_hours import hold_hours
from billing.actions.funds import move_allotments, move_pools
from billing.actions.hold_deposits import hold_deposits
from billing.circumstances import Circumstances, Draw, asked_at_of
from billing.deposits import Cover, Pair, cover_refusals, covers_for, summed
from billing.facts import Asked, Facts
from billing.models import Pool, Redemption
from billing.quoting import quote
from billing.states import RedemptionState
from bookings.models import Booking
from bookings.permissions import is_on_the_users_side
from bookings.splitting import Share, read_splits, shared_out, shares_of
from bookings.till import Quote, Wish
from institutions.actions.budget import budget_refusal, hold_budget
from institutions.models import Project, User
from kernel.money import as_text
from kernel.refusals import Refusal, Refused


def hold_money(*, bookings: Sequence[Booking], by: User | None, at: datetime) -> list[Quote]:
    """Quotes `bookings` once more under the locks, holds what they promise, gives the quotes back.

    Runs inside the caller's transaction, which has locked the bookings. Locks projects, then
    allotments, then pools, then packages of hours, then deposits, each by id. What is left of an
    allotment, pool or package is what later bookings of the same call get. Who acts for the payer
    is kept with each redemption: he was shown the most that may be owed, and until when it can be
    claimed.
    Raises `Refused` with every reason, and `Malformed` on `programme` for an unknown code.
    """
    projects = _lock_projects(bookings)
    cases = _asked(bookings, projects, at=at)
    known = reading.load(cases, lock_allotments=True)
    cover = covers_for(cases, known)
    if known.minutes:
        # Hours decide how much vouchers pay: both are settled once, under the locks of both.
        reading.reload_pools(known, lock=True)
        reading.reload_hours(known)
    quotes = _settle(cases, known, projects, cover)
    if known.minutes:
        move_pools(_per("pool", quotes))
    elif not _commit_pools(quotes):
        # Somebody committed the same pools meanwhile: lock them and settle for what is left.
        reading.reload_pools(known, lock=True)
        quotes = _settle(cases, known, projects, cover)
        move_pools(_per("pool", quotes))
    move_allotments(held=_per("allotment", quotes))
    _redeem(bookings, quotes, by=by, at=at)
    for pk, amount in sorted(_per_project(cases, quotes).items()):
        hold_budget(project_id=pk, amount=amount)
    hold_hours(list(zip(bookings, map(_draws, quotes), strict=True)), at=at)
    deposits = {}
    if cover:
        owed = zip(bookings, _owed(cases, quotes), strict=True)
        deposits = hold_deposits([(booking, *one) for booking, one in owed], at=at)
    return [
        _final(found, deposits.get(booking.pk))
        for booking, found in zip(bookings, quotes, strict=True)
    ]


def _owed(cases: Sequence[Asked], quotes: Sequence[Quote]) -> list[tuple[Pair, Decimal]]:
    """What each payer will owe each provider."""
    return [
        ((one.provider.pk, one.payer.pk), found.net)
        for one, found in zip(cases, quotes, strict=True)
        if one.payer
    ]


def _asked(
    bookings: Sequence[Booking], projects: Mapping[int, Project], *, at: datetime
) -> list[Asked]:
    """What the facility has scheduled for a request was asked for long before it was booked, so
    short notice costs nothing there."""
    cases = facts.asked([_wish(booking, projects) for booking in bookings])
    return [
        replace(one, asked_at=asked_at_of(booking.price, booking.period.start, at))
        if booking.run_id is None
        else one
        for booking, one in zip(bookings, cases, strict=True)
    ]


def _draws(found: Quote) -> tuple[Draw, ...]:
    return Circumstances.thawed(found.versions).draws


def _lock_projects(bookings: Sequence[Booking]) -> dict[int, Project]:
    read_splits(bookings)
    paying = {share.project.pk for booking in bookings for share in shares_of(booking)}
    rows = (
        Project.objects.filter(pk__in=paying)
        .select_related("institution__region")
        .order_by("pk")
        # The first lock of money: everything below is read after whoever held it has ended.
        .select_for_update(no_key=True, of=("self",))
    )
    return {project.pk: project for project in rows}


def _wish(booking: Booking, projects: Mapping[int, Project]) -> Wish:
    shares = shares_of(booking) if booking.is_split else ()
    return Wish(
        instrument=booking.instrument,
        period=booking.period,
        quantity=booking.quantity,
        project=projects[booking.project_id],
        programme=booking.programme,
        order_number=booking.order_number,
        splits=tuple(Share(projects[one.project.pk], one.percent) for one in shares),
    )


def _settle(
    cases: Sequence[Asked],
    known: Facts,
    projects: Mapping[int, Project],
    cover: Mapping[Pair, Cover],
) -> list[Quote]:
    """One after the other, each from what the ones before left. Raises `Refused`."""
    purse, quotes = known.purse(), []
    for one in cases:
        found = quote(one, known, purse)
        purse.draw(_draws(found))
        if found.voucher:
            purse.take(
                allotment_id=found.versions["allotment"],
                pool_id=found.versions["pool"],
                amount=found.voucher,
            )
        quotes.append(found)
    Refused.unless_none(_refusals(cases, quotes, projects, cover))
    return quotes


def _refusals(
    cases: Sequence[Asked],
    quotes: Sequence[Quote],
    projects: Mapping[int, Project],
    cover: Mapping[Pair, Cover],
) -> Iterator[Refusal]:
    seen: list[Refusal] = []
    for found in quotes:
        for refusal in found.refusals:
            if refusal not in seen:
                seen.append(refusal)
                yield refusal
    for pk, amount in sorted(_per_project(cases, quotes).items()):
        if too_little := budget_refusal(projects[pk], amount):
            yield too_little
    # Read without a lock, to tell all reasons at once; `hold_deposits` judges under its own.
    yield from cover_refusals(summed(_owed(cases, quotes)), cover)


def _commit_pools(quotes: Sequence[Quote]) -> bool:
    """Takes from a single pool without waiting to read it: the condition is the check.

    False where the pool has too little, and where there are several (they want locks by id).
    """
    wanted = _per("pool", quotes)
    if len(wanted) != 1:
        return not wanted
    [(pk, amount)] = wanted.items()
    fits = Pool.objects.filter(pk=pk, amount__gte=F("committed") + amount)
    return bool(fits.update(committed=F("committed") + amount))


def _redeem(
    bookings: Sequence[Booking], quotes: Sequence[Quote], *, by: User | None, at: datetime
) -> None:
    Redemption.objects.bulk_create(
        [
            Redemption(
                booking=booking,
                allotment_id=found.versions["allotment"],
                pool_id=found.versions["pool"],
                terms_id=found.versions["terms"],
                state=RedemptionState.HELD,
                held_amount=found.voucher,
                created_at=at,
                most_owed=found.most_owed,
                claim_by=found.claim_by,
                consented_by_id=_consents(booking, by),
                consented_at=at,
            )
            for booking, found in zip(bookings, quotes, strict=True)
            if found.voucher
        ]
    )


def _consents(booking: Booking, by: User | None) -> int:
    """Who speaks for the payer, by id: `by` on his side, else the requester, whose wish is carried
    out when the facility schedules or moves a booking."""
    if by is None or by.pk == booking.requester_id:
        return booking.requester_id
    return by.pk if is_on_the_users_side(by, booking) else booking.requester_id


def _final(found: Quote, deposit: int | None) -> Quote:
    """`budget` says what the project promised, so that exactly this is given back; `deposit` on
    which account the same is held, if on any."""
    versions = {**found.versions, "budget": as_text(found.net)}
    if deposit is not None:
        versions["deposit"] = deposit
    return replace(found, versions=versions)


def _per(what: str, quotes: Sequence[Quote]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for found in quotes:
        if found.voucher:
            sums[found.versions[what]] += found.voucher
    return sums


def _per_project(cases: Sequence[Asked], quotes: Sequence[Quote]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = defaultdict(Decimal)
    for one, found in zip(cases, quotes, strict=True):
        for share, part in shared_out(found.net, one.wish.shares):
            if part:
                sums[share.project.pk] += part
    return sums
