"""What an action said, as sentences for the page that called it."""

from django.utils.translation import gettext as _

from bookings.states import State
from kernel.refusals import Busy, DomainError, NotAllowed, Refused, SlotTaken, WrongState


def sentences_of(error: DomainError) -> list[str]:
    """One sentence for each reason, in the reader's language."""
    match error:
        case Refused():
            return [str(refusal) for refusal in error.refusals]
        case WrongState():
            label = State(error.state).label if error.state in State.values else error.state
            return [_("Somebody was faster: the state is “%(state)s” now.") % {"state": label}]
        case SlotTaken(bookings=[_first, *_others]):
            return [
                _("This time is taken: %(bookings)s.") % {"bookings": ", ".join(error.bookings)}
            ]
        case SlotTaken():
            return [_("This time is taken.")]
        case NotAllowed():
            return [_("Your role does not allow this.")]
        case Busy():
            return [_("Many people are booking at this moment. Nothing was done; try again.")]
    return [_("This cannot be done.")]


def sentence_of(error: DomainError) -> str:
    return " ".join(sentences_of(error))
