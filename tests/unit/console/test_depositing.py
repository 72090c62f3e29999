"""A platform that prepares another deposit than was asked for gets no signature.

- the permit: another spender, value, token, chain or kind
- the transactions: another receiver, owner, amount, asset, or an approval of more; each once
- what was asked for passes; the permit's deadline follows the chain's clock
- an asset that the deployment doesn't know is refused before anything is asked

That honest deposits arrive is tested in tests/e2e/test_cli.py.
"""

import asyncio
import copy
from types import SimpleNamespace

import pytest

from backend.console.depositing import Depositor
from backend.console.errors import PreparedWrong
from backend.console.people import Person
from backend.protocol.errors import AssetUnknown
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from backend.protocol.types import address_text
from causeway import Asset
from tests.unit.scenes import NOBODY, ROLLUP, TOKEN, deployment, permit_for

KEY = PrivateKey(keccak(b"alice"))
ALICE = Person(KEY.address, "alice", lambda: KEY)
USDX = Asset({}, 1, "USDX", address_text(TOKEN), 6, 1, False)
AMOUNT = 5
CHAIN_TS_S = 2_000


class Sent(Exception):
    """A transaction went out: the chain of these tests takes it no further."""


class Chain:
    """Answers what a deposit asks before it sends."""

    async def chain_id(self):
        return 1

    async def read(self, *_):
        return 0

    async def latest(self):
        return SimpleNamespace(ts_s=CHAIN_TS_S)

    async def estimate_gas(self, *_, **__):
        raise Sent


class Platform:
    """Prepares whatever a test says; keeps the permits that it was sent."""

    def __init__(self, *transactions, permit=None):
        self.deposits = self
        self.permits = []
        self._transactions, self._permit = [*transactions], permit

    def prepare(self, *, owner, asset, amount, permit):
        self.permits.append(permit)
        shown = None if permit else self._permit
        return SimpleNamespace(permit=shown, transactions=self._transactions)


@pytest.fixture
def deposit():
    with asyncio.Runner() as runner:

        def run(platform, asset=USDX):
            arguments = (platform, Chain(), deployment(), KEY, runner, lambda _: None)
            return Depositor(*arguments).deposit(ALICE, asset, AMOUNT)

        yield run


def deposit_data(asset_id=1, owner=KEY.address, amount=AMOUNT):
    return bytes(4) + asset_id.to_bytes(32) + owner.rjust(32, b"\0") + amount.to_bytes(32)


def approve_data(spender=ROLLUP, amount=AMOUNT):
    return deployment().token("USDX").abi.call_data("approve", spender, amount)


def transaction(to, data):
    return {"purpose": "deposit", "to": address_text(to), "data": "0x" + data.hex()}


HONEST = transaction(ROLLUP, deposit_data())


APPROVAL = transaction(TOKEN, approve_data())


@pytest.mark.parametrize("honest", [[HONEST], [APPROVAL, HONEST]])
def test_deposit__as_asked__is_sent_succeeds(deposit, honest):
    with pytest.raises(Sent):
        deposit(Platform(*honest))


def test_deposit__prepared_twice__sends_nothing_rejects(deposit):
    with pytest.raises(PreparedWrong):
        deposit(Platform(APPROVAL, HONEST, APPROVAL, HONEST))


def test_deposit__honest_permit__is_signed_succeeds(deposit):
    platform = Platform(HONEST, permit=permit_for(KEY.address, AMOUNT))

    with pytest.raises(Sent):
        deposit(platform)

    first, second = platform.permits
    assert first is None
    assert int(second["deadline"]) == CHAIN_TS_S + 3600


@pytest.mark.parametrize(
    "wrong",
    [
        transaction(NOBODY, deposit_data()),
        transaction(ROLLUP, deposit_data(owner=NOBODY)),
        transaction(ROLLUP, deposit_data(amount=AMOUNT + 1)),
        transaction(ROLLUP, deposit_data(asset_id=2)),
        transaction(ROLLUP, b""),
        transaction(TOKEN, approve_data(spender=NOBODY)),
        transaction(TOKEN, approve_data(amount=AMOUNT + 1)),
        transaction(TOKEN, approve_data() + b"\0"),
    ],
)
def test_deposit__another_transaction__rejects(deposit, wrong):
    with pytest.raises(PreparedWrong):
        deposit(Platform(*([wrong, HONEST] if wrong["to"] == APPROVAL["to"] else [wrong])))


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("message", "spender", address_text(NOBODY)),
        ("message", "value", str(AMOUNT + 1)),
        ("domain", "verifyingContract", address_text(NOBODY)),
        ("domain", "chainId", 2),
        (None, "primaryType", "PermitAll"),
    ],
)
def test_deposit__another_permit__rejects(deposit, part, field, value):
    permit = copy.deepcopy(permit_for(KEY.address, AMOUNT))
    (permit if part is None else permit[part])[field] = value
    platform = Platform(HONEST, permit=permit)

    with pytest.raises(PreparedWrong):
        deposit(platform)

    assert platform.permits == [None]


def test_deposit__asset_unknown_to_the_deployment__rejects(deposit):
    gold = Asset({}, 9, "GOLD", address_text(NOBODY), 6, 1, False)

    with pytest.raises(AssetUnknown):
        deposit(Platform(HONEST), gold)
