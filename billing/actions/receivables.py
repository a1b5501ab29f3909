"""What charges mean in the books of their provider, once they stand on a document."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from billing.actions.post_entry import Side
from billing.models import Account, Charge, Settlement
from institutions.models import Institution
from kernel.money import ZERO, net_of_tax


def receivables(charges: Sequence[Charge], *, payer: Institution, sign: int = 1) -> Iterator[Side]:
    """Debit what payer and funding regions owe; credit revenue and the VAT contained in it.
    `sign` −1 takes the same back. Charges come with their redemption, its pool and terms."""
    by_region: dict[int, Decimal] = defaultdict(Decimal)
    net = revenue = tax = ZERO
    for charge in charges:
        without, contained = net_of_tax(charge.gross, charge.vat_rate)
        net, revenue, tax = net + charge.net, revenue + without, tax + contained
        if charge.settlement == Settlement.NET and charge.redemption:
            by_region[charge.redemption.pool.funding_region_id] += charge.voucher
    yield Side(Account.RECEIVABLE_PAYERS, sign * net, party=payer)
    for region_id, amount in sorted(by_region.items()):
        yield Side(Account.RECEIVABLE_REGIONS, sign * amount, party=payer, region_id=region_id)
    yield Side(Account.REVENUE, -sign * revenue, party=payer)
    yield Side(Account.VAT, -sign * tax, party=payer)
