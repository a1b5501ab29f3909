"""A holder shows a certificate; an office says whether it counts."""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from billing import permissions
from billing.certificates import LARGEST, media_type_of
from billing.models import Certificate, CertificateFile, CertificateKind
from institutions.models import Institution, User
from kernel.constraints import as_refusals
from kernel.references import new_reference
from kernel.refusals import NotAllowed, Refusal, Refused, WrongState


def upload_certificate(
    *,
    by: User,
    holder: Institution,
    kind: str,
    size: str = "",
    valid_from: date,
    valid_until: date,
    file_name: str,
    content: bytes,
    at: datetime,
) -> Certificate:
    """Keeps the document with its SHA-256; it counts once an office has accepted it.

    Both days are inclusive. For the holder's office. Raises `NotAllowed`, or `Refused` with
    `file_too_large`, `file_not_supported` (by its content), `size_missing`, `dates_out_of_order`
    or `already_uploaded`.
    """
    if not permissions.may_apply(by, holder):
        raise NotAllowed
    media_type = media_type_of(content)
    Refused.unless_none(_refusals(kind, size, valid_from, valid_until, content, media_type))
    with as_refusals(), transaction.atomic():
        certificate = Certificate.objects.create(
            reference=new_reference("CE"),
            holder=holder,
            kind=kind,
            size=size if kind == CertificateKind.SIZE else "",
            valid_from=valid_from,
            valid_until=valid_until,
            file_name=file_name[-200:],
            media_type=media_type or "",
            sha256=hashlib.sha256(content).hexdigest(),
            uploaded_by=by,
            uploaded_at=at,
        )
        CertificateFile.objects.create(certificate=certificate, content=content)
    return certificate


def _refusals(
    kind: str,
    size: str,
    valid_from: date,
    valid_until: date,
    content: bytes,
    media_type: str | None,
) -> Iterator[Refusal]:
    if len(content) > LARGEST:
        yield Refusal(
            "file_too_large", _("At most %(megabytes)s MB."), {"megabytes": LARGEST // 1_000_000}
        )
    elif media_type is None:
        yield Refusal("file_not_supported", _("The file is no whole PDF, PNG or JPEG."))
    if kind == CertificateKind.SIZE and not size:
        yield Refusal("size_missing", _("Say which size the certificate names."))
    if valid_until < valid_from:
        yield Refusal("dates_out_of_order", _("The certificate ends before it begins."))


def check_certificate(
    *, by: User, certificate: Certificate, accepted: bool, at: datetime
) -> Certificate:
    """An office that has to decide with it says, once, whether the certificate counts.

    Raises `NotAllowed`, or `WrongState` where that was said already. Locks the certificate.
    """
    with as_refusals(), transaction.atomic():
        certificate = Certificate.objects.select_for_update(no_key=True).get(pk=certificate.pk)
        if not permissions.may_check_certificate(by, certificate):
            raise NotAllowed
        if certificate.is_accepted is not None:
            raise WrongState("accepted" if certificate.is_accepted else "refused")
        certificate.is_accepted = accepted
        certificate.checked_by, certificate.checked_at = by, at
        certificate.save(update_fields=["is_accepted", "checked_by", "checked_at"])
    return certificate
