"""POSTs that can be repeated. Law: one idempotency key, one piece of work, one answer.

A business refusal stays under its key; what may succeed later (429, 503, a crash) does not, but the
key stays that request's.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from backend.access.errors import error_body, is_transient, status_of
from backend.access.responses import json_response, json_text
from backend.access.services import Services
from backend.protocol.errors import MalformedRequest, PaymentError
from backend.records.registers.api_keys import ApiKey
from backend.records.registers.idempotency import Answer

KEY_LENGTH_MAX: Final = 255

Work = Callable[[str], Awaitable[tuple[int, Any]]]


async def _key(
    idempotency_key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            min_length=1,
            max_length=KEY_LENGTH_MAX,
            description="A text of your choice: a repeat under it gets the first answer",
        ),
    ],
) -> str:
    """Return the request's key. Raises MalformedRequest without a good one."""
    if not idempotency_key.isprintable():
        raise MalformedRequest("Idempotency-Key", "it has characters that can't be printed")
    return idempotency_key


KeyIn = Annotated[str, Depends(_key)]


async def once(
    request: Request,
    services: Services,
    caller: ApiKey,
    key: str,
    body: Mapping[str, Any],
    work: Work,
    *,
    shown_once: tuple[str, ...] = (),
) -> Response:
    """Do `work` unless this request was answered before; it gets the key in the caller's scope.

    Fields `shown_once` (secrets) are in the first answer alone. Raises IdempotencyKeyReused,
    RequestInProgress, and what `work` raises.
    """
    register = services.needs.registers.idempotency
    operation = f"{request.method} {request.url.path}"
    ts_ms = services.needs.clock_ms()
    known = await run_in_threadpool(register.begin, caller.id, key, operation, body, ts_ms)
    if known is not None:
        return Response(
            known.body,
            known.status_code,
            {"Idempotent-Replayed": "true"},
            media_type="application/json",
        )
    try:
        status_code, shown = await work(f"{caller.id}/{key}")
    except PaymentError as error:
        if is_transient(error):
            await run_in_threadpool(register.release, caller.id, key)
        else:
            refusal = error_body(error, request.state.request_id)
            answer = Answer(status_of(error), json_text(refusal))
            await run_in_threadpool(register.finish, caller.id, key, answer)
        raise
    except BaseException:
        await run_in_threadpool(register.release, caller.id, key)
        raise
    kept = {name: None if name in shown_once else value for name, value in shown.items()}
    answer = Answer(status_code, json_text(kept))
    await run_in_threadpool(register.finish, caller.id, key, answer)
    return json_response(shown, status_code)
