"""`Idempotency-Key` on whatever creates: the first answer is given again."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.response import Response

from institutions.api.caller import caller
from institutions.models import IdempotencyKey, User
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
    """Runs `effect` and answers with what it returns; with a key, only once.

    The key is inserted first: a second request with it waits there (up to `lock_timeout`, then
    503 `busy`) until the first has ended, and then gives its answer. An effect that raises leaves
    no key, so the request may be tried again.
    """
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise Malformed({"Idempotency-Key": [_("At most 200 printable characters.")]})
    if not key:
        with as_refusals():
            return Response(effect(), status=status)
    with as_refusals(), transaction.atomic():
        stored = _stored(caller(request), key, _hash(request), at=clock.now())
        if stored.answer is not None:
            return Response(stored.answer, status=stored.status or status)
        answer = json.loads(json.dumps(effect(), default=str))
        IdempotencyKey.objects.filter(pk=stored.pk).update(answer=answer, status=status)
    return Response(answer, status=status)


def _stored(user: User, key: str, request_hash: str, *, at: datetime) -> IdempotencyKey:
    """The row of this key: a new one without an answer, or the first one's. Raises `KeyReused`."""
    with connection.cursor() as cursor:
        # The ORM does not say which rows an insert that ignores conflicts has made.
        cursor.execute(
            "INSERT INTO institutions_idempotencykey (user_id, key, request_hash, created_at) "
            "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [user.pk, key, request_hash, at],
        )
        made = cursor.fetchone()
    if made:
        return IdempotencyKey(pk=made[0], user=user, key=key, request_hash=request_hash)
    stored = IdempotencyKey.objects.get(user=user, key=key)
    if stored.request_hash != request_hash:
        raise KeyReused
    return stored
