"""How several projects share what a booking costs."""

from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from bookings.models.split import WHOLE
from bookings.rules.facts import Facts
from kernel.refusals import Refusal


def refusals(facts: Facts) -> Iterator[Refusal]:
    """The shares are the whole price, once for each project, and all of one payer."""
    shares = facts.splits
    if not shares:
        return
    total = sum((share.percent for share in shares), Decimal(0))
    if total != WHOLE:
        yield Refusal(
            "splits_not_whole",
            _("The shares of the projects make %(sum)s %%, not 100 %%."),
            {"sum": f"{total:f}"},
        )
    codes = [share.project.code for share in shares]
    if len({share.project.pk for share in shares}) < len(shares):
        yield Refusal(
            "split_repeated",
            _("A project has one share of a booking: name each once."),
            {"projects": codes},
        )
    if len({share.project.institution_id for share in shares}) > 1:
        yield Refusal(
            "split_other_payer",
            _("A booking is shared by projects of one institution, which pays for it."),
            {"projects": codes},
        )
