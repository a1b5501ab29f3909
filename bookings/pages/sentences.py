"""What an action said, as sentences for the page that called it."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bookings.models import SessionState, SignOffState, ViolationState
from bookings.request_states import RequestState, SampleState
from bookings.states import State
from institutions.models import JoinState
from instruments.models import RequestState as QualificationState
from kernel.refusals import Busy, DomainError, NotAllowed, Refused, SlotTaken, WrongState

_LABELS = {
    value: label
    for states in (
        JoinState,
        SignOffState,
        QualificationState,
        SessionState,
        ViolationState,
        SampleState,
        RequestState,
        State,
    )
    for value, label in states.choices
} | {"ended": gettext_lazy("Ended")}


def sentences_of(error: DomainError) -> list[str]:
    """One sentence for each reason, in the reader's language."""
    match error:
        case Refused():
            return [str(refusal) for refusal in error.refusals]
        case WrongState():
            label = _LABELS.get(error.state, error.state)
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
