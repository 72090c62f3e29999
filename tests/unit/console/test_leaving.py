"""A platform that prepares another exit or advance than was asked for: nothing is sent.

- an exit: another contract, function, owner or asset, too much ether
- an advance: another contract, function, owner, withdrawal, token, amount or fee; an approval of
  more or of another; each call once
- what was asked for passes

That honest ones arrive is tested in tests/e2e/test_leaving_commands.py.
"""

from dataclasses import astuple, replace
from types import SimpleNamespace

import pytest

from backend.console.errors import PreparedWrong
from backend.console.leaving import LeavingActions
from backend.console.people import Person
from backend.protocol.batches import genesis_header
from backend.protocol.hashing import ZERO_DIGEST, keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.types import address_text
from backend.settlement.deployment_file import ContractRecord
from causeway import Asset, Exit, PreparedAdvance, PreparedExit, Withdrawal
from tests.unit.scenes import NOBODY, ROLLUP, TOKEN, deployment

KEY, OTHER = PrivateKey(keccak(b"alice")), PrivateKey(keccak(b"bob"))
ALICE, BOB = (
    Person(key.address, name, lambda key=key: key) for key, name in ((KEY, "alice"), (OTHER, "bob"))
)
USDX = Asset({}, 1, "USDX", address_text(TOKEN), 6, 1, False)
EXITS = bytes([0x44]) * 20
BASE_FEE_WEI = 40 * 10**9  # above the floor
BOUNTY_WEI = 4 * 300_000 * BASE_FEE_WEI
AMOUNT, FEE, NONCE = 300, 20, 7
TX_HASH = "0x" + "ab" * 32


def full_deployment():
    names = {"Rollup": ROLLUP, "Exits": EXITS}
    records = {
        name: ContractRecord(name, address, 0, bytes(32), bytes(32))
        for name, address in names.items()
    }
    return replace(deployment(), contracts=records)


CONTRACT = full_deployment().core("Exits")


def exit_data(owner=KEY.address, asset_id=1):
    batch = (astuple(genesis_header(ZERO_DIGEST)), 1, 7)
    account = (5, owner, asset_id, 0, 9, [bytes(32)] * 32)
    return CONTRACT.abi.call_data("requestExit", batch, account)


def advance_data(**fields):
    order = {
        "owner": KEY.address,
        "nonce": NONCE,
        "asset": TOKEN,
        "amount": AMOUNT,
        "fee": FEE,
        "valid_until": 99,
    } | fields
    return CONTRACT.abi.call_data("advance", tuple(order.values()), bytes(65))


def approve_data(spender=EXITS, amount=AMOUNT - FEE):
    return deployment().token("USDX").abi.call_data("approve", spender, amount)


def transaction(to, data):
    return {"purpose": "call", "to": address_text(to), "data": "0x" + data.hex()}


class Acting:
    """The console's actions beside a platform that prepares what a test says."""

    def __init__(self, *transactions, bounty_wei=2 * BOUNTY_WEI):
        self.deployment, self.wait_s, self.sent = full_deployment(), 1, []
        self.client = SimpleNamespace(exits=self, withdrawals=self)
        self.people = SimpleNamespace(find=self._find)
        self._transactions, self._bounty_wei = [*transactions], bounty_wei

    def _find(self, who):
        named = {"alice": ALICE, "bob": BOB, address_text(KEY.address): ALICE}
        return named.get(who, who)

    def asset(self, name):
        return USDX

    def fill_wallet(self, person, asset, amount):
        return None

    def base_fee_wei(self):
        return BASE_FEE_WEI

    def send(self, person, contract, data, what, value_wei=0):
        self.sent.append((person.name, contract.address, what, value_wei))
        return TX_HASH

    # The platform

    def prepare(self, *, owner, asset):
        [prepared] = self._transactions
        return PreparedExit({}, "", asset, 5, 1, self._bounty_wei, prepared)

    def list(self, *, owner):
        return [Exit({"tx_hash": TX_HASH}, "0", "requested", 5, "", "USDX", [], None)]

    def get(self, withdrawal_id):
        data = {
            "id": withdrawal_id,
            "status": "final",
            "payer": address_text(KEY.address),
            "asset": "USDX",
            "amount": str(AMOUNT),
            "nonce": str(NONCE),
            "advance": {"provider": "bob"} if self.sent else None,
        }
        return Withdrawal.parse(data)

    def advance(self, withdrawal_id, *, key, provider, fee):
        return PreparedAdvance({}, withdrawal_id, fee, AMOUNT - fee, {}, self._transactions)


def test_request__as_asked__is_sent_succeeds():
    acting = Acting(transaction(EXITS, exit_data()))

    made = LeavingActions(acting).request("alice", "USDX")

    assert made.id == "0"
    assert acting.sent == [("alice", EXITS, "exit request", 2 * BOUNTY_WEI)]


@pytest.mark.parametrize(
    ("prepared", "bounty_wei"),
    [
        (transaction(NOBODY, exit_data()), BOUNTY_WEI),
        (transaction(EXITS, exit_data(owner=NOBODY)), BOUNTY_WEI),
        (transaction(EXITS, exit_data(asset_id=2)), BOUNTY_WEI),
        (transaction(EXITS, advance_data()), BOUNTY_WEI),
        (transaction(EXITS, b"\x12\x34\x56\x78"), BOUNTY_WEI),
        (transaction(EXITS, exit_data()), 4 * BOUNTY_WEI + 1),
    ],
)
def test_request__something_else__rejects(prepared, bounty_wei):
    acting = Acting(prepared, bounty_wei=bounty_wei)

    with pytest.raises(PreparedWrong):
        LeavingActions(acting).request("alice", "USDX")

    assert acting.sent == []


GOOD = transaction(EXITS, advance_data())
APPROVAL = transaction(TOKEN, approve_data())


@pytest.mark.parametrize("transactions", [[GOOD], [APPROVAL, GOOD]])
def test_advance__as_asked__is_sent_by_the_provider_succeeds(transactions):
    acting = Acting(*transactions)

    advanced = LeavingActions(acting).advance("0x12", "bob", "0.000020")

    assert advanced.advance == {"provider": "bob"}
    assert {who for who, *_ in acting.sent} == {"bob"}
    assert [what for _, _, what, _ in acting.sent][-1] == "advance"
    assert len(acting.sent) == len(transactions)


@pytest.mark.parametrize(
    "transactions",
    [
        [transaction(NOBODY, advance_data())],
        [transaction(EXITS, exit_data())],
        [transaction(EXITS, b"\x12\x34\x56\x78")],
        [transaction(EXITS, advance_data(owner=NOBODY))],
        [transaction(EXITS, advance_data(nonce=NONCE + 1))],
        [transaction(EXITS, advance_data(asset=NOBODY))],
        [transaction(EXITS, advance_data(amount=AMOUNT - 1))],
        [transaction(EXITS, advance_data(fee=0))],
        [transaction(TOKEN, approve_data(amount=AMOUNT - FEE + 1)), GOOD],
        [transaction(TOKEN, approve_data(spender=NOBODY)), GOOD],
        [APPROVAL],
        [GOOD, GOOD],
        [],
    ],
)
def test_advance__something_else__rejects(transactions):
    acting = Acting(*transactions)

    with pytest.raises(PreparedWrong):
        LeavingActions(acting).advance("0x12", "bob", "0.000020")

    assert acting.sent == []
