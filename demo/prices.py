"""What the billing offices have agreed besides the published list: contracts, hours, consumables,
deposits.

Nothing here changes what the four researchers' projects pay: contracts and packages are others',
and new versions of the list come at institutions that no demo account works at, after anybody's
horizon.
"""

from decimal import Decimal

from billing.actions.contract_price import decide_contract_price, propose_contract_price
from billing.actions.pay_in import pay_in
from billing.actions.refund_deposit import ask_refund
from billing.actions.sell_hours import Hours, grant_hours, sell_hours
from billing.actions.settle_deposit import settle_deposit
from demo.scene import Scene
from instruments.actions.set_consumable_price import add_consumable, set_consumable_price
from instruments.actions.set_tariff import set_tariff
from instruments.models import Instrument, OpeningCalendar, Tariff, UserClass

# code, institution, its only instrument, Chinese name, English name, unit, price in CNY
CONSUMABLES = (
    ("TUBE-5", "SUDA", "SUDA-003", "核磁管", "NMR tube, 5 mm", "支", 35),
    ("GRID-CU", "FDU", None, "铜网", "Copper grid", "片", 28),
    ("TARGET", "NANOX", None, "溅射靶材（小时）", "Sputter target, per hour", "h", 60),
)
# Two in a row are each other's: the first is approved, the second waits.
CONTRACTED = ("FDU-003", "FDU-004")
# An instrument of an institution that no account of the demo works at.
ELSEWHERE = "SJTU"


def prices(scene: Scene) -> None:
    """Comes before the bookings that draw on it."""
    _consumables(scene)
    _contracts(scene)
    _hours(scene)
    _deposit(scene)
    _new_version(scene)


def _consumables(scene: Scene) -> None:
    for code, institution, instrument, name_zh, name_en, unit, price in CONSUMABLES:
        office = scene.office(institution)
        made = add_consumable(
            by=office,
            institution=scene.people.institutions[institution],
            instrument=scene.instruments[instrument] if instrument else None,
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            unit=unit,
            unit_price=Decimal(price),
            valid_from=scene.day(-80),
            at=scene.ago(80),
        )
        set_consumable_price(
            by=office,
            consumable=made,
            unit_price=Decimal(price + 5),
            valid_from=scene.day(30),
            at=scene.ago(3),
        )


def _contracts(scene: Scene) -> None:
    """Tongji University has its own price on one instrument; another waits for a second word."""
    for code in CONTRACTED:
        instrument = scene.instruments[code]
        listed = Tariff.objects.filter(instrument=instrument, user_class=UserClass.ACADEMIC)
        tariff = listed.latest("valid")
        price = propose_contract_price(
            by=scene.office("FDU"),
            instrument=instrument,
            payer=scene.people.institutions["TJU"],
            contract_number=f"FDU-TJU-{scene.at.year}-01",
            unit=tariff.unit,
            unit_price=tariff.unit_price * Decimal("0.80"),
            valid_from=scene.day(-40),
            valid_until=scene.day(300),
            at=scene.ago(40),
        )
        if code == CONTRACTED[0]:
            by = scene.user("admin")
            decide_contract_price(by=by, price=price, approve=True, at=scene.ago(39))


def _hours(scene: Scene) -> None:
    """Hours granted to a project that books on them, and a package that was sold."""
    institutions = scene.people.institutions
    grant_hours(
        by=scene.office("NANOX"),
        hours=Hours(
            provider=institutions["NANOX"],
            payer=institutions["SUDA"],
            project=scene.project("SUDA-001"),
            minutes=20 * 60,
            valid_from=scene.day(-60),
            valid_until=scene.day(200),
        ),
        funder="演示开放课题基金",
        at=scene.ago(60),
    )
    sell_hours(
        by=scene.office("FDU"),
        hours=Hours(
            provider=institutions["FDU"],
            payer=institutions["TJU"],
            minutes=50 * 60,
            valid_from=scene.day(-30),
            valid_until=scene.day(335),
        ),
        price=Decimal(24_000),
        at=scene.ago(30),
    )


def _deposit(scene: Scene) -> None:
    """Paid in advance by a university that no demo account works at; a part is asked back."""
    office, institutions = scene.office("FDU"), scene.people.institutions
    parties = {"provider": institutions["FDU"], "payer": institutions["TJU"]}
    settle_deposit(by=office, credit_limit=Decimal(5_000), is_demanded=True, **parties)
    move = pay_in(
        by=office,
        amount=Decimal(10_000),
        bank_reference="DEMO-2203-01",
        at=scene.ago(40),
        **parties,
    )
    ask_refund(
        by=office,
        account=move.account,
        amount=Decimal(1_000),
        reason="项目提前结题",
        at=scene.ago(2),
    )


def _new_version(scene: Scene) -> None:
    """A price with every term that there is, from half a year on."""
    instrument = (
        Instrument.objects.filter(institution__code=ELSEWHERE, tariffs__unit="hour")
        .select_related("institution")
        .order_by("code")
        .first()
    )
    hours = OpeningCalendar.objects.filter(institution=None).order_by("slug").first()
    if instrument is None or hours is None:
        return
    listed = Tariff.objects.filter(instrument=instrument, user_class=UserClass.FOREIGN)
    price = listed.latest("valid").unit_price
    set_tariff(
        by=scene.user("admin"),
        instrument=instrument,
        user_class=UserClass.FOREIGN,
        valid_from=scene.day(185),
        unit="hour",
        unit_price=price,
        setup_fee=Decimal(200),
        rounding_minutes=15,
        rush_factor=Decimal("1.20"),
        rush_within_minutes=48 * 60,
        off_hours_factor=Decimal("1.50"),
        regular_hours_id=hours.pk,
        operator_price=Decimal(300),
        package_minutes=8 * 60,
        package_price=price * 6,
        overtime_price=price,
        at=scene.ago(1),
    )
