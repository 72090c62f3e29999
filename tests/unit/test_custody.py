"""Keys that we keep for others.

- create: the same key each time, though many ask at once; the file is there when it returns
- sign: the payer's signature, noted first; read from the file once
- the store: one stretched passphrase for all files, other contracts have others
- it is what the access plane asks for, and shows no key
"""

import asyncio
from dataclasses import replace

import pytest

from backend.access.custody.ports import Custody as Port
from backend.custody import Custody, custody_store
from backend.keys import KeyStore, KeyUnreadable
from backend.protocol.orders import PaymentOrder
from backend.records.database import open_database, sqlite_url
from backend.records.paging import Page
from backend.records.registers.customers import KeyUses
from tests.unit.access.world import SCRYPT_N_TESTS
from tests.unit.engine.committee import DOMAIN, TOKEN


def custody_in(folder) -> Custody:
    engine = open_database("registers", sqlite_url(folder / "r.sqlite3"))
    store = KeyStore(folder / "custody", "correct horse", SCRYPT_N_TESTS)
    return Custody(store, KeyUses(engine), DOMAIN, lambda: 7)


async def test_create__many_at_once__is_one_key_holds(tmp_path):
    custody: Port = custody_in(tmp_path)

    made = await asyncio.gather(*(custody.create("cus_1") for _ in range(20)))

    assert len(set(made)) == 1
    assert await custody_in(tmp_path).create("cus_1") == made[0]
    assert [file.name for file in (tmp_path / "custody").iterdir()] == ["cus_1.json"]


async def test_sign__own_order__is_noted_and_signed_succeeds(tmp_path):
    custody = custody_in(tmp_path)
    payer = await custody.create("cus_1")
    order = PaymentOrder(payer, TOKEN, TOKEN, 5, 0, 0, 9)
    (tmp_path / "custody" / "cus_1.json").unlink()  # it is in memory by now

    signed = await custody.sign("cus_1", order, "payment", "actor")

    (use,) = custody._uses.list("cus_1", Page()).rows
    assert signed.signer(DOMAIN) == payer
    assert (use.digest, use.purpose, use.actor, use.ts_ms) == (
        order.digest(DOMAIN),
        "payment",
        "actor",
        7,
    )
    assert repr(custody) == "Custody(1 keys in use)"


def test_custody_store__other_passphrase_or_contract__rejects(tmp_path):
    made = custody_store(tmp_path, "correct horse", DOMAIN, 2).load_or_create("cus_1")
    again = custody_store(tmp_path, "correct horse", DOMAIN, 2).load("cus_1")

    assert again.address == made.address
    for passphrase, domain in (
        ("battery staple", DOMAIN),
        ("correct horse", replace(DOMAIN, contract=TOKEN)),
        ("correct horse", replace(DOMAIN, chain_id=1)),
    ):
        with pytest.raises(KeyUnreadable):
            custody_store(tmp_path, passphrase, domain, 2).load("cus_1")
