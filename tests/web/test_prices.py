"""The billing office's pages about prices, in a browser: nothing that axe or a phone minds."""

from decimal import Decimal

from playwright.sync_api import expect

from institutions.models import Role
from tests import factories as f
from tests.billing import prices as p
from tests.conftest import Cast
from tests.web.conftest import Site


def test_prices_contracts_hours_and_consumables_are_fine(site: Site, cast: Cast) -> None:
    p.industry(
        cast,
        rush_factor=Decimal("1.50"),
        rush_within_minutes=1440,
        off_hours_factor=Decimal("1.25"),
        regular_hours=p.daytime(cast),
        operator_price=Decimal(300),
        package_minutes=480,
        package_price=Decimal(6_000),
        overtime_price=Decimal(900),
    )
    p.agreed(cast)
    p.proposed(cast, by=f.person(cast.shanghai_lab, Role.BILLING_OFFICER), payer=_payer())
    package = p.sold(cast)
    p.granted(cast)
    p.consumable(cast)
    f.project(cast.shanghai_lab, cast.manager, code="IN-1")
    site.sign_in(cast.billing_office)
    for path in (
        "tariffs/",
        "tariffs/LAB-001/",
        "tariffs/LAB-001/?start_day=2026-03-02&start_time=17:00&end_day=2026-03-02"
        "&end_time=20:00&user_class=3&quantity=1",
        "contracts/",
        "hours/",
        f"hours/{package.reference}/",
        "consumables/",
        "details/",
        "ledger/",
        "projects/",
        "projects/LAB-SH/IN-1/",
    ):
        site.open(f"/billing/{path}")
        site.is_fine()
    site.sign_in(f.person(cast.shanghai_lab, Role.ADMINISTRATOR))
    site.open("/billing/details/")
    site.page.locator("[name=bank_account]").fill("6222 0000")
    site.press("Save")
    expect(site.page.locator(".history")).to_contain_text("6222 0000")
    site.is_fine()


def _payer() -> object:
    return f.InstitutionFactory(kind="enterprise")
