"""Refusals are typed and complete: rules yield `Refusal`s, an action raises one `Refused`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why something may not be done.

    `code` is stable and for programs, `message` a translatable sentence with `%(name)s` places,
    `params` what fills them (JSON-ready: strings, numbers, lists).
    """

    code: str
    message: str | Promise
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The API's form, the sentence in the language that is active now."""
        return {"code": self.code, "message": str(self), "params": dict(self.params)}

    def __str__(self) -> str:
        message = str(self.message)
        return message % self.params if self.params else message


class DomainError(Exception):
    """What an action raises on purpose; page and API each turn it into an answer."""

    code = "error"


class Refused(DomainError):
    """Rules say no: all of them at once (422)."""

    code = "refused"

    def __init__(self, refusals: Iterable[Refusal] | Refusal) -> None:
        self.refusals = [refusals] if isinstance(refusals, Refusal) else list(refusals)
        super().__init__(", ".join(refusal.code for refusal in self.refusals))

    @classmethod
    def unless_none(cls, refusals: Iterable[Refusal]) -> None:
        """Raises when `refusals` yields any."""
        found = list(refusals)
        if found:
            raise cls(found)


class SlotTaken(DomainError):
    """The time is claimed by somebody else (409). Alternatives are found after the rollback."""

    code = "slot_taken"

    def __init__(self, bookings: Iterable[str] = ()) -> None:
        self.bookings = list(bookings)
        self.alternatives: list[dict[str, Any]] | None = None
        super().__init__("slot_taken")


class WrongState(DomainError):
    """The transition does not exist (409); `state` is the state that it was tried from."""

    code = "wrong_state"

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(state)


class NotAllowed(DomainError):
    """The caller sees the thing but may not do this to it (403)."""

    code = "not_allowed"


class Malformed(DomainError):
    """A value has the wrong shape or names nothing that the caller knows (400)."""

    code = "malformed"

    def __init__(self, errors: Mapping[str, list[str | Promise]]) -> None:
        self.errors = dict(errors)
        super().__init__(", ".join(self.errors))


class Busy(DomainError):
    """A lock was not had in time; nothing happened (503)."""

    code = "busy"
