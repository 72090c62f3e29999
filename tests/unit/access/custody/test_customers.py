"""Customers whose keys we keep.

- made: with an address; again by key or by external id, the same one; listed; unknown ones
- the row is lost after the key file: the same key; the register finds no other
- pay, withdraw: signed, sent, once; what the ledger refuses; unknown asset, amounts, payee
- a crash after the order was kept: the repeat sends the same one; a new one only when that is dead
- a key sent again with another wish after the node was not well
- each use of the key is in the audit trail before the signature leaves; nobody else's key
- no key in answers, logs, files, texts of errors
"""

import asyncio
import logging
from dataclasses import replace

import pytest
from eth_account import Account
from sqlalchemy import delete

from backend.custody import Custody
from backend.keys import KeyStore, KeyUnreadable
from backend.protocol.errors import NoQuorum
from backend.protocol.types import address_from_text
from backend.records.tables.custody import customers
from tests.unit.access.custody.scenes import balance, call, customer, done, fund, pass_time
from tests.unit.access.scenes import PAYEE, PAYEE_TEXT, get, nothing_changes
from tests.unit.access.world import SCRYPT_N_TESTS, error_of, order, running_world
from tests.unit.engine.committee import DOMAIN

PAY = {"payee": PAYEE_TEXT, "asset": "USDC", "amount": "50"}


def key_of(folder, made):
    """Read a customer's secret from his file, as a thief with the passphrase would."""
    text = (folder / "custody" / f"{made['id']}.json").read_text()
    return bytes(Account.decrypt(text, "correct horse"))


async def test_create_customer__repeated__is_the_same_one_holds(world):
    first = await customer(world)
    by_key = await done(world, "/v1/customers", {"external_id": "alice"}, "customer alice")
    by_name = await done(world, "/v1/customers", {"external_id": "alice"}, "another key")
    other = await customer(world, "bob")
    listed = await get(world, "/v1/customers?limit=1")
    rest = await get(world, f"/v1/customers?after={listed['next_cursor']}")

    assert first == by_key == by_name == await get(world, f"/v1/customers/{first['id']}")
    assert other["address"] != first["address"]
    assert [one["external_id"] for one in (*listed["data"], *rest["data"])] == ["bob", "alice"]


async def test_pay__key_sent_again_with_another_amount__pays_neither_rejects(world, monkeypatch):
    made = await customer(world, amount=1_000)
    path = f"/v1/customers/{made['id']}/payments"

    async def unwell(_record):
        raise NoQuorum(3, 2)

    with monkeypatch.context() as patch:
        patch.setattr(world.node, "submit", unwell)
        first = await call(world, path, PAY, "pay")
    other = await call(world, path, PAY | {"amount": "60"}, "pay")
    same = await call(world, path, PAY, "pay", Prefer="wait=final")

    assert error_of(first) == (503, "NO_QUORUM")
    assert error_of(other) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert (same.json()["status"], same.json()["amount"]) == ("final", "50")


async def test_create_customer__row_lost_after_key_file__same_key_holds(world):
    first = await customer(world)
    with world.databases.registers.begin() as connection:
        connection.execute(delete(customers))

    again = await done(world, "/v1/customers", {"external_id": "alice"}, "another key")

    assert (again["id"], again["address"]) == (first["id"], first["address"])


@pytest.mark.parametrize("external_id", ["", "x" * 101, "a\nb", None, 7])
async def test_create_customer__bad_name__rejects(world, external_id):
    response = await call(world, "/v1/customers", {"external_id": external_id}, "1")

    assert error_of(response) == (400, "MALFORMED_REQUEST")


@pytest.mark.parametrize("path", ["", "/key-uses"])
async def test_get_customer__unknown__rejects(world, path):
    assert error_of(await world.client.get(f"/v1/customers/cus_1{path}")) == (
        404,
        "CUSTOMER_NOT_FOUND",
    )


async def test_customer_payment__money_there__is_paid_once_succeeds(world):
    made = await customer(world, amount=10_000)
    path = f"/v1/customers/{made['id']}/payments"

    first = await call(world, path, PAY | {"memo": "rent"}, "p", Prefer="wait=final")
    again = await call(world, path, PAY | {"memo": "rent"}, "p", Prefer="wait=final")
    uses = await get(world, f"/v1/customers/{made['id']}/key-uses")

    assert (first.status_code, first.json()["status"]) == (200, "final")
    assert again.json()["id"] == first.json()["id"]
    assert await balance(world, made["address"]) == 10_000 - 60
    assert [(one["purpose"], one["digest"], one["actor"]) for one in uses["data"]] == [
        ("payment", first.json()["id"], "bootstrap")
    ]
    assert (await get(world, f"/v1/payments/{first.json()['id']}"))["payer"] == made["address"]


async def test_customer_withdrawal__money_there__succeeds(world):
    made = await customer(world, amount=10_000)
    path = f"/v1/customers/{made['id']}/withdrawals"

    sent = await call(world, path, {"asset": "USDC", "amount": "500"}, "w", Prefer="wait=final")

    assert (sent.status_code, sent.json()["object"]) == (200, "withdrawal")
    assert await balance(world, made["address"]) == 10_000 - 510
    assert (await get(world, f"/v1/customers/{made['id']}/key-uses"))["data"][0][
        "purpose"
    ] == "withdrawal"


async def test_customer_payments__many_at_once__each_is_paid_once_holds(world):
    made = await customer(world, amount=10_000)
    path = f"/v1/customers/{made['id']}/payments"

    sent = await asyncio.gather(*(call(world, path, PAY, f"p{index}") for index in range(10)))

    assert {one.status_code for one in sent} <= {200, 202}
    assert await balance(world, made["address"]) == 10_000 - 600


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"amount": "0"}, (422, "AMOUNT_ZERO")),
        ({"amount": "1.5"}, (422, "AMOUNT_NOT_INTEGER")),
        ({"amount": str(2**48)}, (422, "AMOUNT_TOO_LARGE")),
        ({"amount": "9990"}, (409, "INSUFFICIENT_FUNDS")),
        ({"asset": "EURX"}, (422, "ASSET_UNKNOWN")),
        ({"asset": "WIDE"}, (422, "ACCOUNT_UNKNOWN")),
        ({"payee": "0x1"}, (400, "MALFORMED_REQUEST")),
        ({"payee": "0x" + "00" * 20}, (422, "PAYEE_INVALID")),
        ({"nonce": "0"}, (400, "MALFORMED_REQUEST")),
    ],
)
async def test_customer_payment__bad_input__rejects(world, fields, expected):
    made = await customer(world, amount=9_995)
    async with nothing_changes(world):
        path = f"/v1/customers/{made['id']}/payments"

        assert error_of(await call(world, path, PAY | fields, "p")) == expected
    assert await balance(world, made["address"]) == 9_995


async def test_customer_payment__to_himself__rejects(world):
    made = await customer(world, amount=9_995)
    path = f"/v1/customers/{made['id']}/payments"

    response = await call(world, path, PAY | {"payee": made["address"]}, "p")

    assert error_of(response) == (422, "SAME_ACCOUNT")


async def test_customer_payment__unknown_customer__rejects(world):
    response = await call(world, "/v1/customers/cus_1/payments", PAY, "p")

    assert error_of(response) == (404, "CUSTOMER_NOT_FOUND")


async def test_customer_payment__kept_but_not_sent__repeat_sends_the_same_holds(world, monkeypatch):
    made = await customer(world, amount=10_000)
    path = f"/v1/customers/{made['id']}/payments"

    async def no_quorum(_record):
        raise NoQuorum(3, 2)

    monkeypatch.setattr(world.node, "submit", no_quorum)
    refused = await call(world, path, PAY, "p")
    monkeypatch.undo()
    sent = await call(world, path, PAY, "p", Prefer="wait=final")
    uses = await get(world, f"/v1/customers/{made['id']}/key-uses")

    assert error_of(refused) == (503, "NO_QUORUM")
    assert sent.json()["status"] == "final"
    assert [one["digest"] for one in uses["data"]] == [sent.json()["id"]]


async def test_customer_payment__kept_order_expired__another_is_signed_once_holds(
    world, monkeypatch
):
    made = await customer(world, amount=10_000)
    path = f"/v1/customers/{made['id']}/payments"

    async def no_quorum(_record):
        raise NoQuorum(3, 2)

    monkeypatch.setattr(world.node, "submit", no_quorum)
    await call(world, path, PAY, "p")
    monkeypatch.undo()
    pass_time(world, 3600)
    sent = await call(world, path, PAY, "p", Prefer="wait=final")

    assert sent.json()["status"] == "final"
    assert await balance(world, made["address"]) == 10_000 - 60


async def test_customer_payment__another_order_comes_between__same_request_again_pays_once_holds(
    world, monkeypatch
):
    made = await customer(world, amount=10_000)
    path = f"/v1/customers/{made['id']}/payments"
    payer, submit = address_from_text(made["address"]), world.node.submit
    other = await world.dependencies.custody.sign(
        made["id"], replace(order(PAYEE, PAYEE.address, 7), payer=payer), "group", "x"
    )

    async def overtaken(record):
        monkeypatch.undo()
        await submit(other)
        return await submit(record)

    monkeypatch.setattr(world.node, "submit", overtaken)
    refused = await call(world, path, PAY, "p")
    await world.settle()
    sent = await call(world, path, PAY, "p", Prefer="wait=final")

    assert error_of(refused) == (429, "BACK_PRESSURE")
    assert sent.json()["status"] == "final"
    assert await balance(world, made["address"]) == 10_000 - 60 - 17


async def test_customer_payment__answer_lost__repeat_after_restart_pays_once_holds(tmp_path):
    async with running_world(tmp_path) as world:
        made = await customer(world, amount=10_000)
        path = f"/v1/customers/{made['id']}/payments"
        sent = await call(world, path, PAY, "p", Prefer="wait=final")
        world.dependencies.registers.idempotency.prune(world.clock() + 10**12)
        await world.settle()

    async with running_world(tmp_path) as world:
        again = await call(world, path, PAY, "p")

        assert again.json()["id"] == sent.json()["id"]
        assert await balance(world, made["address"]) == 10_000 - 60


async def test_sign__use_can_not_be_noted__no_signature_holds(world, monkeypatch):
    made = await customer(world, amount=10_000)
    registers = world.dependencies.registers.custody

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(registers.key_uses, "note", full)
    async with nothing_changes(world):
        response = await call(world, f"/v1/customers/{made['id']}/payments", PAY, "p")

    assert error_of(response) == (503, "DISK_FULL")
    assert registers.kept_orders.of_owner(made["id"]) == []


async def test_sign__order_of_another_payer__rejects(world):
    made = await customer(world)
    custody = world.dependencies.custody

    with pytest.raises(ValueError, match="not the payer"):
        await custody.sign(made["id"], order(PAYEE, PAYEE.address, 5), "payment", "x")
    with pytest.raises(FileNotFoundError):
        await custody.sign("cus_1", order(PAYEE, PAYEE.address, 5), "payment", "x")


async def test_custody__restarted_with_another_passphrase__rejects(world, tmp_path):
    made = await customer(world)
    store = KeyStore(tmp_path / "custody", "battery staple", SCRYPT_N_TESTS)
    uses = world.dependencies.registers.custody.key_uses
    custody = Custody(store, uses, DOMAIN, world.clock)
    payer = address_from_text(made["address"])
    unsigned = order(PAYEE, PAYEE.address, 5)

    with pytest.raises(KeyUnreadable):
        await custody.sign(made["id"], unsigned, "payment", "x")
    assert payer != unsigned.payer


async def test_custody__secret__is_nowhere_to_be_seen_holds(world, tmp_path, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    made = await customer(world, amount=10_000)
    secret = key_of(tmp_path, made)
    custody = world.dependencies.custody
    shown = [repr(custody), repr(vars(custody))]
    path = f"/v1/customers/{made['id']}/payments"
    shown.append((await call(world, path, PAY, "p", Prefer="wait=final")).text)
    shown.append((await world.client.get(f"/v1/customers/{made['id']}")).text)
    shown.append((await world.client.get(f"/v1/customers/{made['id']}/key-uses")).text)
    world.dependencies.registers.custody.key_uses.note = None  # a bug, and its traceback
    broken = await call(world, path, PAY, "q")
    shown.append(broken.text)
    captured = capfd.readouterr()
    shown += [captured.out, captured.err, caplog.text]
    files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]

    assert broken.status_code == 500
    for text in shown:
        assert secret.hex() not in text.lower()
        assert str(int.from_bytes(secret)) not in text
        assert repr(secret)[2:-1] not in text
    for data in files:
        assert secret not in data
        assert secret.hex().encode() not in data.lower()


async def test_key_files__customer__are_for_their_owner_alone_holds(world, tmp_path):
    made = await customer(world)
    await fund(world, made["address"], 100)

    folder = tmp_path / "custody"
    assert folder.stat().st_mode & 0o077 == 0
    assert [file.stat().st_mode & 0o077 for file in folder.iterdir()] == [0]
