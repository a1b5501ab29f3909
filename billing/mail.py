"""The mails of the billing offices, in the reader's language or in both."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Dispatch, DispatchKind, FapiaoRequest
from billing.pdf import BOTH, credit_pdf, statement_pdf
from billing.wording import yuan

_LOG = logging.getLogger(__name__)
_LANGUAGES = ("zh-hans", "en")


def send(dispatch: Dispatch) -> bool:
    """Whether the mail server took it. The row comes with statement, parties and recipient; a
    person who was erased or has left is not written to."""
    person = dispatch.recipient
    if person.erased_at or not person.is_active:
        return False
    try:
        return bool(message(dispatch).send())
    except (SMTPException, OSError) as error:
        # The person's number, never the address: logs are kept by others.
        _LOG.warning("mail %s was not taken: %s", dispatch.pk, type(error).__name__)
        return False


def message(dispatch: Dispatch) -> EmailMessage:
    """Subject and text in the recipient's language, in both where that is not known; the
    document is attached."""
    known = dispatch.recipient.language
    texts = [_text(dispatch, language) for language in ([known] if known else _LANGUAGES)]
    made = EmailMessage(
        subject=" / ".join(subject for subject, _body in texts),
        body="\n\n———\n\n".join(body for _subject, body in texts),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[dispatch.recipient.email],
    )
    made.attach(f"{_number(dispatch)}.pdf", _pdf(dispatch, known or BOTH), "application/pdf")
    return made


def _number(dispatch: Dispatch) -> str:
    note = dispatch.credit_note
    return note.number if note else dispatch.statement.number or ""


def _pdf(dispatch: Dispatch, language: str) -> bytes:
    if dispatch.credit_note:
        return credit_pdf(dispatch.credit_note.document, language=language)
    return statement_pdf(dispatch.statement.document, language=language)


def _text(dispatch: Dispatch, language: str) -> tuple[str, str]:
    with override(language):
        facts = _facts(dispatch)
        match dispatch.kind:
            case DispatchKind.CREDIT_NOTE:
                subject = _("Credit note %(number)s of %(provider)s")
                said = _(
                    "%(provider)s has credited ¥%(net)s of statement %(statement)s to %(payer)s."
                    " The credit note is attached."
                )
            case DispatchKind.REMINDER:
                subject = _("Reminder %(level)s: statement %(number)s of %(provider)s")
                said = _(
                    "Statement %(number)s of %(provider)s to %(payer)s was to be paid by"
                    " %(due_on)s, and something of it is still open. Please pay, or tell the"
                    " provider's billing office why not. The statement is attached."
                )
            case _other:
                subject = _("Statement %(number)s of %(provider)s")
                said = _(
                    "%(provider)s has issued statement %(number)s to %(payer)s: ¥%(net)s, to be"
                    " paid by %(due_on)s. The statement is attached."
                )
        return subject % facts, said % facts + _about_fapiao(dispatch)


def _about_fapiao(dispatch: Dispatch) -> str:
    """What the credit note made of a fapiao that the payer waits for."""
    if dispatch.credit_note_id is None:
        return ""
    lowered = FapiaoRequest.objects.filter(lowered_by=dispatch.credit_note_id).first()
    if lowered is None:
        return ""
    left = FapiaoRequest.objects.filter(replaces=lowered).first()
    if left is None:
        said = _("The request for a fapiao, %(fapiao)s, was withdrawn by it.")
        return "\n\n" + said % {"fapiao": lowered.reference}
    said = _("The request for a fapiao, %(fapiao)s, was lowered by it to ¥%(gross)s: %(left)s.")
    facts = {"fapiao": lowered.reference, "gross": yuan(left.gross), "left": left.reference}
    return "\n\n" + said % facts


def _facts(dispatch: Dispatch) -> dict[str, str]:
    statement, note = dispatch.statement, dispatch.credit_note
    return {
        "number": _number(dispatch),
        "statement": statement.number or "",
        "provider": statement.provider.name,
        "payer": statement.payer.name,
        "net": yuan(note.net if note else statement.net),
        "due_on": f"{statement.due_on:%Y-%m-%d}",
        "level": str(dispatch.reminder.level) if dispatch.reminder else "",
    }
