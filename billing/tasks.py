"""Background jobs, each a call of an action."""

from procrastinate.contrib.django import app

from billing.actions import tell_payer as telling
from billing.actions.approve_reviewed import approve_reviewed
from billing.actions.dispatch import deliver
from billing.actions.remind import remind_payers
from kernel import clock


@app.periodic(cron="11 * * * *")
@app.task(queueing_lock="approve_reviewed", pass_context=False)
def approve_reviewed_charges(timestamp: int) -> None:
    """Every hour, as days end in each institution's own zone; nothing depends on its running in
    time."""
    approve_reviewed(at=clock.now())


@app.task
def tell_payer(charges: list[int]) -> None:
    """After charges were made where the payer has days for review."""
    telling.tell_payer(charges=charges)


@app.task(pass_context=False)
def deliver_mail(dispatch_id: int) -> None:
    """One mail; it says itself what became of it."""
    deliver(dispatch_id=dispatch_id, at=clock.now())


@app.periodic(cron="41 1 * * *")
@app.task(queueing_lock="remind_payers", pass_context=False)
def remind_payers_of_what_is_open(timestamp: int) -> None:
    """Every morning in China; whoever was reminded of a level is not reminded of it again."""
    remind_payers(at=clock.now())
