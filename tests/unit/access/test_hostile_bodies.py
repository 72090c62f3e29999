"""Bodies that somebody made to do harm.

- a text that is no Unicode: refused by name, alone and as a line among good ones
- a signature with spaces or a line's end between its digits
- bulk: a line too large for one order, millions of empty lines
"""

import json
import time

import pytest

from tests.unit.access.scenes import PAYEE, PAYER, paid, with_message
from tests.unit.access.world import body_of, error_of, order, sign
from tests.unit.engine.committee import CHAIN_ID

LINES = {"Content-Type": "application/x-ndjson"}
LONE_SURROGATE = "\ud800"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (with_message(amount=LONE_SURROGATE), (422, "AMOUNT_NOT_INTEGER")),
        (with_message(fee=LONE_SURROGATE), (422, "AMOUNT_NOT_INTEGER")),
        (with_message(payer=LONE_SURROGATE), (400, "MALFORMED_REQUEST")),
        (
            paid()
            | {
                "domain": {
                    "name": LONE_SURROGATE,
                    "chainId": CHAIN_ID,
                    "verifyingContract": "0x" + "11" * 20,
                }
            },
            (400, "MALFORMED_REQUEST"),
        ),
        (paid() | {LONE_SURROGATE: 1}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_create_payment__text_is_no_unicode__rejects(world, body, expected):
    content = json.dumps(body)  # writes \ud800, as any client can

    response = await world.client.post(
        "/v1/payments", content=content, headers={"Content-Type": "application/json"}
    )

    assert error_of(response) == expected


async def test_create_payments__one_line_is_no_unicode__others_succeed_holds(world):
    lines = [paid(), with_message(amount=LONE_SURROGATE), paid(nonce=1)]

    response = await world.client.post(
        "/v1/payments/bulk", content="\n".join(map(json.dumps, lines)), headers=LINES
    )

    answers = [json.loads(line) for line in response.text.splitlines()]
    assert [answer.get("status") for answer in answers] == ["accepted", None, "accepted"]
    assert answers[1]["error"]["code"] == "AMOUNT_NOT_INTEGER"


@pytest.mark.parametrize("mark", [" ", "\n", "\t", "\u00a0"])
async def test_create_payment__signature_with_gaps__rejects(world, mark):
    body = body_of(sign(PAYER, order(PAYER, PAYEE.address, 1_000)))

    response = await world.post(
        "/v1/payments", body | {"signature": body["signature"][:66] + mark + body["signature"][66:]}
    )

    assert error_of(response) == (422, "SIGNATURE_INVALID")


async def test_create_payments__line_of_a_megabyte__that_line_rejects(world):
    huge = b"[" + b"[]," * 300_000 + b"1]"

    response = await world.client.post(
        "/v1/payments/bulk", content=huge + b"\n" + json.dumps(paid()).encode(), headers=LINES
    )

    first, second = (json.loads(line) for line in response.text.splitlines())
    assert first["error"]["code"] == "BODY_TOO_LARGE"
    assert second["status"] == "accepted"


async def test_create_payments__millions_of_empty_lines__changes_nothing(world):
    started_s = time.process_time()

    response = await world.client.post(
        "/v1/payments/bulk", content=b"\n" * (16 * 2**20), headers=LINES
    )

    assert error_of(response) == (400, "MALFORMED_REQUEST")
    assert time.process_time() - started_s < 0.5
