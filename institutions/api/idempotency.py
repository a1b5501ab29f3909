"""`Idempotency-Key` on whatever creates: the first answer is given again."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.api.caller import caller
from institutions.models import IdempotencyKey
from kernel import clock
from kernel.constraints import as_refusals
from kernel.refusals import DomainError, Malformed

_LONGEST_KEY = 200


class KeyReused(DomainError):
    """The key came before with another body (422)."""

    code = "idempotency_key_reused"


def _hash(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(f"{request.method} {request.path}\n{body}".encode()).hexdigest()


def once(request: Request, effect: Callable[[], dict[str, Any]], *, status: int = 201) -> Response:
    """Runs `effect` in a transaction and answers with what it returns; with a key, only once.

    The key is inserted first: a second request with it waits there (up to `lock_timeout`, then
    503 `busy`) until the first has ended, and then gives its answer. An effect that raises leaves
    no key, so the request may be tried again.
    """
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Malformed({"Idempotency-Key": [_("At most 200 printable characters.")]})
    with as_refusals(), transaction.atomic():
        if not key:
            return Response(effect(), status=status)
        user = caller(request)
        mine = IdempotencyKey(
            user=user, key=key, request_hash=_hash(request), created_at=clock.now()
        )
        IdempotencyKey.objects.bulk_create([mine], ignore_conflicts=True)
        stored = IdempotencyKey.objects.get(user=user, key=key)
        if stored.request_hash != mine.request_hash:
            raise KeyReused
        if stored.answer is not None:
            return Response(stored.answer, status=stored.status or status)
        answer = effect()
        stored.answer, stored.status = json.loads(json.dumps(answer, default=str)), status
        stored.save(update_fields=["answer", "status"])
        return Response(answer, status=status)
