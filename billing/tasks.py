"""Background jobs, each a call of an action."""

from procrastinate.contrib.django import app

from billing.actions.dispatch import deliver
from billing.actions.remind import remind_payers
from kernel import clock


@app.task(pass_context=False)
def deliver_mail(dispatch_id: int) -> None:
    """One mail; it says itself what became of it."""
    deliver(dispatch_id=dispatch_id, at=clock.now())


@app.periodic(cron="41 1 * * *")
@app.task(queueing_lock="remind_payers", pass_context=False)
def remind_payers_of_what_is_open(timestamp: int) -> None:
    """Every morning in China; whoever was reminded of a level is not reminded of it again."""
    remind_payers(at=clock.now())
