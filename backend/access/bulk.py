"""Many orders in one request, answered line by line. A line that is refused stops no other."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

from pydantic import ValidationError

from backend.access.collecting.memos import memo_errors, refunds_of
from backend.access.errors import error_body
from backend.access.ports import Records
from backend.access.responses import json_text
from backend.access.schemas import SignedPayment, SignedWithdrawal
from backend.access.services import Services
from backend.access.settings import BODY_BYTES_MAX, BULK_LINES_MAX
from backend.access.submitting import check_domain
from backend.protocol.codec import Reader
from backend.protocol.errors import (
    BodyTooLarge,
    MalformedBytes,
    MalformedRequest,
    PaymentError,
)
from backend.protocol.order_records import OrderRecord, authorised_orders, read_record
from backend.protocol.types import digest_text

BINARY: Final = "application/x-causeway-orders"
LINES: Final = "application/x-ndjson"

Line = OrderRecord | PaymentError


def parse_records(body: bytes, services: Services) -> Records:
    """Return binary records. Raises MalformedRequest: nothing separates records, so one that is
    malformed spoils all after it, and all are refused.
    """
    try:
        records = services.node.read_records(body)
    except MalformedBytes as error:
        good = _good_records(body)
        _check_count(good)
        raise MalformedRequest(f"record {good + 1}", str(error)) from error
    _check_count(len(records))
    return records


def _good_records(body: bytes) -> int:
    """Return how many records come before the malformed one, as far as they may be that many."""
    reader, count = Reader(body), 0
    while count <= BULK_LINES_MAX:
        try:
            read_record(reader)
        except MalformedBytes:
            break
        count += 1
    return count


def parse_lines(body: bytes, services: Services) -> list[Line]:
    """Return the orders of NDJSON, or for a line what is wrong with it."""
    _check_count(body.count(b"\n") // 2)  # splitting millions of empty lines would stop all else
    texts = [line for line in body.split(b"\n") if line.strip()]
    _check_count(len(texts))
    return [_parse_line(text, services) for text in texts]


def _parse_line(text: bytes, services: Services) -> Line:
    if len(text) > BODY_BYTES_MAX:  # the parser lets nobody else go on until it is through
        return BodyTooLarge(BODY_BYTES_MAX, len(text))
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or not isinstance(data.get("order"), dict):
            return MalformedRequest("order", "the line is no object with an order")
        is_payment = "payee" in data["order"]
        kind = SignedPayment if is_payment else SignedWithdrawal
        parsed = kind.model_validate(data)
        check_domain(parsed.domain, services.settings)
        return parsed.signed()
    except PaymentError as error:
        return error
    except ValidationError as error:
        return malformed(error)
    except (ValueError, RecursionError):
        return MalformedRequest("line", "it is no JSON")


def malformed(error: ValidationError) -> MalformedRequest:
    """Return what a failed validation says, without what was sent."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"] if part != "body")
    return MalformedRequest(field or "body", first["msg"])


def _check_count(count: int) -> None:
    if count > BULK_LINES_MAX:
        raise MalformedRequest("body", f"it has more than {BULK_LINES_MAX} orders")


async def submit_all(services: Services, lines: Sequence[Line]) -> list[Line | bytes]:
    """Have all good lines accepted with one fsync; return an id or an error for each line."""
    lines = await _without_false_refunds(services, lines)
    good = [line for line in lines if not isinstance(line, PaymentError)]
    answers = iter(await services.node.submit_many(good))
    ts_ms = services.needs.clock_ms()
    results: list[Line | bytes] = []
    for line in lines:
        if isinstance(line, PaymentError):
            results.append(line)
            continue
        answer = next(answers)
        if isinstance(answer, PaymentError):
            results.append(answer)
        else:
            for authorised in authorised_orders(line):
                order_id = authorised.digest(services.settings.domain)
                services.accepted.add(order_id, authorised, ts_ms)
            results.append(answer.payment_id)
    return results


async def submit_records(services: Services, records: Records) -> list[Line | bytes]:
    """Do what `submit_all` does for binary records, and decode none that needn't be."""
    memos = records.memos()
    if memos and await refunds_of(services, {memo for _, memo in memos}):
        return await submit_all(services, [records[place] for place in range(len(records))])
    answers = await services.node.submit_many(records)
    ts_ms = services.needs.clock_ms()
    results: list[Line | bytes] = [
        answer if isinstance(answer, PaymentError) else answer.payment_id for answer in answers
    ]
    groups = set(records.groups())
    services.accepted.add_all(
        records,
        (
            (result, place)
            for place, result in enumerate(results)
            if isinstance(result, bytes) and place not in groups
        ),
        ts_ms,
    )
    for place in groups:
        if isinstance(results[place], bytes):
            for leg in authorised_orders(records[place]):
                services.accepted.add(leg.digest(services.settings.domain), leg, ts_ms)
    return results


async def _without_false_refunds(services: Services, lines: Sequence[Line]) -> list[Line]:
    """Return the lines, with an error in place of each that bears a refund's memo and is none."""
    records = [line for line in lines if not isinstance(line, PaymentError)]
    found = iter(await memo_errors(services, records))
    return [line if isinstance(line, PaymentError) else next(found) or line for line in lines]


def answer_lines(results: Sequence[Line | bytes], request_id: str) -> Iterator[str]:
    """Yield the answer of each line."""
    for number, result in enumerate(results, start=1):
        if isinstance(result, PaymentError):
            yield json_text({"line": number, **error_body(result, request_id)}) + "\n"
        elif isinstance(result, bytes):
            yield f'{{"line":{number},"id":"{digest_text(result)}","status":"accepted"}}\n'
