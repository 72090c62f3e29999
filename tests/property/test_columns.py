"""Orders in columns against the readable ledger: the same refusals, slots and leaves."""

from random import Random

import numpy as np
import pytest

from backend.engine.ledger import (
    BlockTooLarge,
    InvalidBlock,
    Ledger,
    Pending,
    check_record,
    execute,
)
from backend.engine.ledger.state import ledger_of
from backend.engine.packing import ChunkCursor
from backend.engine.vector import blocks, judging, order_slots
from backend.engine.vector import orders as orders_module
from backend.engine.vector.leaves import FlatLedger
from backend.engine.vector.orders import digests_of, order_entries, read_orders, signatures_of
from backend.engine.vector.records import RecordRun, decode_body
from backend.protocol.blocks import Body
from backend.protocol.errors import MalformedBytes, PaymentError
from backend.protocol.hashing import ZERO_DIGEST, Digest
from backend.protocol.log_entries import Entry, OrderEntry
from backend.protocol.money import AMOUNT_MINOR_MAX, BalanceMinor, fee_minor
from backend.protocol.order_records import (
    OrderGroup,
    RootedOrder,
    SignedOrder,
    authorised_orders,
    decode_records,
    encode_records,
    read_record,
)
from backend.protocol.orders import PaymentOrder, WithdrawalOrder, linked
from backend.protocol.types import (
    BRIDGE,
    BRIDGE_OWNER,
    ZERO_ADDRESS,
    AccountId,
    Asset,
    Leaf,
    fee_account_id,
    partition_of,
)
from tests.property.world import DOMAIN, TS_S, address

UNITS = (1, 10**12, 3, 2**64 - 1, 10**12, 1, 1)
ASSETS = tuple(
    Asset(n, address(f"token {n}"), unit, ZERO_ADDRESS if n == 3 else address(f"fees {n}"))
    for n, unit in enumerate(UNITS, 1)
)
PEOPLE = tuple(address(f"person {n}") for n in range(12))
STRANGERS = tuple(address(f"stranger {n}") for n in range(4))


def random_ledger(random_: Random) -> Ledger:
    """Some people have some assets: little, or as much as there can be."""
    leaves = {BRIDGE: Leaf(BRIDGE_OWNER, 0, 7, BalanceMinor(0))}
    next_index = dict.fromkeys(range(256), 2)
    for asset in ASSETS:
        if asset.takes_fee:
            fee_account = fee_account_id(asset.asset_id)
            leaves[fee_account] = Leaf(asset.fee_owner, asset.asset_id, 0, BalanceMinor(5))
        for owner in PEOPLE:
            if random_.random() < 0.8:
                partition = partition_of(owner)
                account_id = AccountId(partition << 24 | next_index[partition])
                next_index[partition] += 1
                balance = random_.choice([0, 30, 500, 2**40, 2**62 // len(PEOPLE)])
                nonce = random_.choice([0, 1, 2**63])
                leaves[account_id] = Leaf(owner, asset.asset_id, nonce, BalanceMinor(balance))
    return ledger_of(3, 9, ASSETS, (), leaves)


def random_order(random_: Random, ledger: Ledger, sent: dict, is_leg: bool):
    """Mostly one that can be executed, and often all but."""
    asset = random_.choice(ASSETS)
    payer = random_.choice(PEOPLE)
    account = ledger.account(payer, asset.asset_id)
    key = payer, asset.asset_id
    nonce = (account[1].nonce if account else 0) + sent.get(key, 0)
    amount = random_.choice([1, 2, 7, 400, AMOUNT_MINOR_MAX]) * asset.unit
    fee = fee_minor(random_.choice([0, 0, 8, 9, 17, 255])) * asset.unit if asset.takes_fee else 0
    fields = {
        "payer": payer,
        "asset": asset.token,
        "amount": amount,
        "fee": fee,
        "nonce": nonce % 2**64,
        "valid_until": random_.choice([TS_S, TS_S + 1, 2**64 - 1]),
    }
    payee = random_.choice(PEOPLE + STRANGERS + (asset.fee_owner,))
    if random_.random() < 0.2:
        fields |= random_.choice(
            [
                {"nonce": (nonce + random_.choice([-1, 1, 5])) % 2**64},
                {"amount": 0},
                {"amount": random_.choice([amount + 1, amount * 2, 2**256 - 1, 2**128 + 1])},
                {"amount": (AMOUNT_MINOR_MAX + 1) * asset.unit},
                {"amount": asset.unit << random_.randrange(180)},
                {"fee": random_.choice([33, 1 << 200, 32 * asset.unit, asset.unit * 10**9])},
                {"asset": address("not listed")},
                {"payer": random_.choice(STRANGERS)},
                {"valid_until": random_.choice([0, TS_S - 1])},
            ]
        )
        payee = random_.choice([payee, ZERO_ADDRESS, fields["payer"]])
    else:
        sent[key] = sent.get(key, 0) + 1
    if random_.random() < 0.15 and not is_leg:
        return WithdrawalOrder(**fields)
    link = Digest(random_.randbytes(32)) if random_.random() < 0.02 else ZERO_DIGEST
    return PaymentOrder(payee=payee, memo=Digest(random_.randbytes(32)), link=link, **fields)


def random_record(random_: Random, ledger: Ledger, sent: dict):
    count = random_.randint(2, 8) if random_.random() < 0.2 else 1
    orders = [random_order(random_, ledger, sent, count > 1) for _ in range(count)]
    orders = linked(orders) if count > 1 else orders
    authorised = [
        SignedOrder(order, random_.randbytes(65))
        if random_.random() < 0.8
        else RootedOrder(
            order,
            Digest(random_.randbytes(32)),
            tuple(Digest(random_.randbytes(32)) for _ in range(random_.randint(0, 32))),
        )
        for order in orders
    ]
    return OrderGroup(tuple(authorised)) if count > 1 else authorised[0]


def random_records(random_: Random, ledger: Ledger, count: int):
    sent: dict = {}
    return [random_record(random_, ledger, sent) for _ in range(count)]


def codes_of(ledger: Ledger, records, eligible) -> list[int]:
    """What the readable ledger says of each order, a group's legs alike."""
    pending, codes = Pending(), []
    for record in records:
        barred = {order for order in record.orders if not eligible[id(order)]}

        def may_hold(token, owner, barred=barred):
            return not any(order.asset == token and order.payer == owner for order in barred)

        code = 0
        try:
            for judged in check_record(ledger, record, TS_S, pending, may_hold):
                pending.add(judged)
        except PaymentError as error:
            code = error.number
        codes += [code] * len(record.orders)
    return codes


@pytest.mark.parametrize(
    "case_count", [60, pytest.param(3000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
def test_judge__random_records__as_the_readable_ledger_holds(case_count):
    seen = set()
    for seed in range(case_count):
        random_ = Random(seed)
        ledger = random_ledger(random_)
        records = random_records(random_, ledger, random_.randint(0, 60))
        orders = read_orders(encode_records(records))
        # Who is barred is barred from paying, so that one flag an order says it.
        flags = np.array([random_.random() < 0.97 for _ in range(orders.order_count)], np.bool_)
        listed = [order for record in records for order in record.orders]
        eligible = {id(order): bool(flag) for order, flag in zip(listed, flags, strict=True)}
        accounts = FlatLedger.of(ledger).accounts
        pending = judging.Pending.with_room(orders.order_count)

        verdicts = judging.judge(
            accounts, judging.Listings.of(ledger.assets), orders, TS_S, pending, flags
        )

        expected = codes_of(ledger, records, eligible)
        assert verdicts.codes.tolist() == expected, seed
        seen |= set(expected)
    assert {0, 101, 102, 103, 104, 106, 120, 121, 122, 123, 124, 125, 126, 127, 129, 130} <= seen


def executable(ledger: Ledger, records):
    """Those that can be executed, one after the other."""
    pending, chosen = Pending(), []
    for record in records:
        try:
            judged = check_record(ledger, record, TS_S, pending)
        except PaymentError:
            continue
        chosen.append(record)
        for one in judged:
            pending.add(one)
    return chosen


@pytest.mark.parametrize(
    "case_count", [40, pytest.param(2000, marks=[pytest.mark.long, pytest.mark.timeout(3600)])]
)
def test_run__random_blocks__as_the_readable_ledger_holds(case_count):
    for seed in range(case_count):
        random_ = Random(seed)
        ledger = random_ledger(random_)
        records = executable(ledger, random_records(random_, ledger, random_.randint(0, 200)))
        expected = execute(ledger, Body(9, records=tuple(records)), TS_S)
        accounts = FlatLedger.of(ledger).accounts
        orders = read_orders(encode_records(records))
        pending = judging.Pending.with_room(orders.order_count)
        listings = judging.Listings.of(ledger.assets)
        verdicts = judging.judge(accounts, listings, orders, TS_S, pending)

        done = order_slots.run(accounts, orders, verdicts, list(ledger.next_index), ChunkCursor())
        assert done.done.slots.tobytes() == expected.slots, seed
        assert done.done.order_slots.tolist() == [one.slot for one in expected.orders]


def test_run__more_than_fits_a_batch__names_the_record_holds():
    random_ = Random(1)
    leaves = {BRIDGE: Leaf(BRIDGE_OWNER, 0, 0, BalanceMinor(0))}
    for asset in ASSETS:
        if asset.takes_fee:
            fee_account = fee_account_id(asset.asset_id)
            leaves[fee_account] = Leaf(asset.fee_owner, asset.asset_id, 0, BalanceMinor(0))
    payers = [address(f"payer {n}") for n in range(len(ASSETS))]
    for n, asset in enumerate(ASSETS):
        leaves[AccountId((n + 1) << 24 | 2)] = Leaf(
            payers[n], asset.asset_id, 0, BalanceMinor(2**50)
        )
    ledger = ledger_of(3, 9, ASSETS, (), leaves)
    fee_assets = [n for n, asset in enumerate(ASSETS) if asset.takes_fee][:5]
    records = []
    nonces = dict.fromkeys(fee_assets, 0)
    for turn in range(700):  # each of five assets in turn: a chunk holds the fees of four
        n = fee_assets[turn % 5]
        unit = ASSETS[n].unit
        order = PaymentOrder(
            payers[n], random_.choice(PEOPLE), ASSETS[n].token, unit, unit, nonces[n], TS_S
        )
        nonces[n] += 1
        records.append(SignedOrder(order, bytes(65)))
    accounts = FlatLedger.of(ledger).accounts
    orders = read_orders(encode_records(records))
    pending = judging.Pending.with_room(orders.order_count)
    verdicts = judging.judge(accounts, judging.Listings.of(ledger.assets), orders, TS_S, pending)
    assert not verdicts.codes.any()

    done = order_slots.run(accounts, orders, verdicts, list(ledger.next_index), ChunkCursor())

    assert done.too_large_at is not None
    execute(ledger, Body(9, records=tuple(records[: done.too_large_at])), TS_S)
    with pytest.raises(BlockTooLarge):
        execute(ledger, Body(9, records=tuple(records[: done.too_large_at + 1])), TS_S)


def test_read_orders__random_records__as_one_by_one_holds():
    random_ = Random(7)
    ledger = random_ledger(random_)
    records = random_records(random_, ledger, 300)
    data = encode_records(records)

    orders = read_orders(data)

    listed = [one for record in records for one in authorised_orders(record)]
    digests, signatures = digests_of(DOMAIN, orders), signatures_of(orders)
    assert [row.tobytes() for row in digests] == [one.digest(DOMAIN) for one in listed]
    expected = [one.signature if isinstance(one, SignedOrder) else bytes(65) for one in listed]
    assert [row.tobytes() for row in signatures] == expected
    entries = [Entry(TS_S * 1000, OrderEntry(record)).encode() for record in records]
    expected = b"".join(len(entry).to_bytes(4) + entry for entry in entries)
    assert order_entries(orders, TS_S * 1000) == expected
    ends = [len(encode_records(records[: n + 1])) for n in range(len(records))]
    assert orders.ends.tolist() == ends


def test_read_orders__malformed_after_good_ones__reads_only_that_one_again_rejects(monkeypatch):
    random_ = Random(8)
    records = random_records(random_, random_ledger(random_), 40)
    good, starts = encode_records(records), []

    def read(reader):
        starts.append(reader.position)
        return read_record(reader)

    monkeypatch.setattr(orders_module, "read_record", read)
    for bad in (b"\x09", b"\x01" * 100, b"\x05\x09", records[0].encode()[:-1]):
        for before in (b"", good):
            with pytest.raises(MalformedBytes) as ours:
                read_orders(before + bad)
            with pytest.raises(MalformedBytes) as theirs:
                decode_records(before + bad)
            assert str(ours.value) == str(theirs.value)
            assert starts.pop() == len(before)
    assert not starts


def test_execute__random_blocks_one_after_the_other__as_the_readable_ledger_holds():
    for seed in range(12):
        random_ = Random(seed)
        readable = random_ledger(random_)
        flat = FlatLedger.of(readable)
        for _ in range(4):
            records = executable(readable, random_records(random_, readable, 80))
            # Now and then a record that can't be executed any more.
            records += records[: random_.choice([0, 0, 0, 1])]
            body = Body(9, records=tuple(records))
            encoded = decode_body(body.encode())

            ours, theirs = (
                refusal_or(lambda one=one: execute_it(*one))
                for one in ((blocks.execute, flat, encoded), (execute, readable, body))
            )

            assert encoded == body
            assert encoded.encode() == body.encode()
            if isinstance(theirs, str):
                assert ours == theirs
                continue
            assert (ours.slots, tuple(ours.orders)) == (theirs.slots, theirs.orders), seed
            assert dict(ours.fee_accounts) == theirs.fee_accounts
            assert dict(ours.groups) == theirs.groups
            assert ours.changes.opened == theirs.changes.opened
            assert dict(ours.changes.leaves) == theirs.changes.leaves
            assert ours.changes.supply_minor == theirs.changes.supply_minor
            readable.advance(theirs.changes)
            flat.advance(ours.changes)
            assert dict(flat.leaves) == readable.leaves
            assert dict(flat.account_ids) == readable.account_ids
            assert flat.next_index == readable.next_index


def execute_it(execute_body, ledger, body):
    return execute_body(ledger, body, TS_S)


def refusal_or(result):
    try:
        return result()
    except InvalidBlock as error:
        return str(error)


def test_run__random_records__memos_and_groups_holds():
    random_ = Random(11)
    records = random_records(random_, random_ledger(random_), 120)
    run = RecordRun(encode_records(records))
    some = [place for place in range(len(records)) if random_.random() < 0.5]

    memos = [
        (place, order.memo)
        for place, record in enumerate(records)
        for order in record.orders
        if isinstance(order, PaymentOrder) and order.memo != ZERO_DIGEST
    ]
    assert run.memos() == memos
    assert run.groups() == [
        place for place, record in enumerate(records) if isinstance(record, OrderGroup)
    ]
    assert tuple(run.chosen(some)) == tuple(records[place] for place in some)
    assert run.ids(DOMAIN)[0] == tuple(record.record_id(DOMAIN) for record in records)
