"""About the parts of a use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext_lazy as _

from bookings.models.usage import DownCause, SegmentKind
from kernel.periods import Period
from kernel.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a use, as it was told: `cause` is empty but for down time."""

    period: Period
    kind: str
    cause: str = ""


def refusals(used: Period, segments: Sequence[Segment]) -> Iterator[Refusal]:
    """They lie inside the use, one after the other, and down time has a cause."""
    if not all(used.contains(segment.period) for segment in segments):
        yield Refusal("segment_outside_use", _("A part lies outside the use."))
    ordered = sorted(segment.period for segment in segments)
    if any(later.start < former.end for former, later in pairwise(ordered)):
        yield Refusal("segments_overlap", _("Two parts of the use overlap."))
    down = [segment for segment in segments if segment.kind == SegmentKind.DOWN]
    if not all(segment.cause in DownCause.values for segment in down):
        yield Refusal("down_without_cause", _("Down time needs a cause."))
    if any(segment.cause for segment in segments if segment.kind != SegmentKind.DOWN):
        yield Refusal("cause_without_down", _("Only down time has a cause."))
