"""Deposits: money comes in, and a record joins the queue.

- deposit: record, hash chain, event, vault; for oneself or somebody else; smallest and largest
- deposit: asset unknown, owner zero, part of a unit, nothing, over u48, asset full, gate closed,
  no allowance → reverts
- deposit_with_permit: good permit | permit sent before by somebody else, or a token without
  permits that was approved → succeeds | neither permit nor approval, asset unknown → reverts
"""

import pytest
from eth_account import Account
from eth_utils import keccak

DOLLAR = 10**6
ZERO_ADDRESS = "0x" + "00" * 20
AMOUNT_MINOR_MAX = 2**48 - 1


def deposit_hash(previous, token, asset_id, owner, amount_minor, ts_s):
    numbers = [(asset_id, 2), (int(owner.address, 16), 20), (amount_minor, 6), (ts_s, 8)]
    packed = b"".join(number.to_bytes(size, "big") for number, size in numbers)
    return keccak(previous + bytes.fromhex(token.address[2:]) + packed)


@pytest.fixture
def permit_token(project, lister):
    return lister.deploy(project.PermitToken)


@pytest.fixture
def permit(chain, rollup, payer):
    """Return (deadline, v, r, s) of the payer's ERC-2612 permit for the rollup."""

    def _permit(token, amount):
        deadline_ts_s = chain.pending_timestamp + 3_600
        names = ["owner", "spender", "value", "nonce", "deadline"]
        types = ["address", "address", "uint256", "uint256", "uint256"]
        signed = Account.sign_typed_data(
            payer.private_key,
            domain_data={
                "name": token.name(),
                "version": "1",
                "chainId": chain.chain_id,
                "verifyingContract": token.address,
            },
            message_types={
                "Permit": [{"name": n, "type": t} for n, t in zip(names, types, strict=True)]
            },
            message_data={
                "owner": payer.address,
                "spender": rollup.address,
                "value": amount,
                "nonce": token.nonces(payer),
                "deadline": deadline_ts_s,
            },
        )
        return deadline_ts_s, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")

    return _permit


def test_deposit__two_records__succeeds(rollup, token, asset_id, deposit, payer, payee, chain):
    first = deposit(token, 5 * DOLLAR)
    second = deposit(token, 7 * DOLLAR, owner=payee)

    hashes = [bytes(32)]
    for owner, amount, receipt in [(payer, 5, first), (payee, 7, second)]:
        ts_s = chain.provider.get_block(receipt.block_number).timestamp
        hashes.append(deposit_hash(hashes[-1], token, asset_id, owner, amount * DOLLAR, ts_s))
    assert rollup.depositCount() == 2
    assert [rollup.depositHash(i) for i in range(3)] == hashes
    assert token.balanceOf(rollup) == 12 * DOLLAR
    assert rollup.assets(asset_id).outstandingMinor == 12 * DOLLAR
    [event] = second.decode_logs(rollup.DepositQueued)
    assert (event.index, event.owner, event.assetId) == (1, payee, asset_id)
    assert (event.token, event.amountMinor, event.hash) == (token, 7 * DOLLAR, hashes[2])
    assert event.tsS == ts_s


def test_deposit__gate__is_asked_holds(token, asset_id, deposit, gate, payer, payee):
    receipt = deposit(token, 3, owner=payee, evidence=b"passport")

    [event] = receipt.decode_logs(gate.DepositAsked)
    assert (event.depositor, event.owner, event.assetId) == (payer, payee, asset_id)
    assert (event.amountMinor, event.evidence) == (3, b"passport")


@pytest.mark.parametrize("amount", [1, AMOUNT_MINOR_MAX])
def test_deposit__smallest_and_largest__succeeds(rollup, token, asset_id, deposit, amount):
    deposit(token, amount)

    assert rollup.assets(asset_id).outstandingMinor == amount


def test_deposit__unknown_asset__reverts(rollup, payer, reverts):
    with reverts(rollup, "AssetUnknown", assetId=1):
        rollup.deposit(1, payer, 1, b"", sender=payer)


def test_deposit__owner_zero__reverts(rollup, token, asset_id, deposit, reverts):
    with reverts(rollup, "OwnerZero"):
        deposit(token, 1, owner=ZERO_ADDRESS)


def test_deposit__part_of_a_unit__reverts(rollup, token, list_asset, deposit, reverts):
    list_asset(token, unit=100)

    with reverts(rollup, "AmountNotMultiple", unit=100, actual=250):
        deposit(token, 250)


@pytest.mark.parametrize("amount", [0, AMOUNT_MINOR_MAX + 1])
def test_deposit__amount_out_of_range__reverts(rollup, token, asset_id, deposit, reverts, amount):
    with reverts(rollup, "DepositOutOfRange", minimum=1, maximum=AMOUNT_MINOR_MAX, actual=amount):
        deposit(token, amount)


def test_deposit__asset_full__reverts(rollup, token, asset_id, deposit, chain, reverts):
    # 32,769 of the largest deposits would get there: the test writes the sum instead.
    deposit(token, 1)
    slot, other_fields = fee_owner_slot(rollup, asset_id, chain)
    full = (2**63 - 2).to_bytes(8, "big")
    value = other_fields[:4] + full + other_fields[12:]
    chain.provider.make_request(
        "anvil_setStorageAt", [rollup.address, hex(slot), "0x" + value.hex()]
    )
    deposit(token, 1)

    with reverts(rollup, "AssetFull", maximumMinor=2**63 - 1, actualMinor=2**63):
        deposit(token, 1)


def fee_owner_slot(rollup, asset_id, chain):
    """Return slot and word that hold an asset's fee owner and what is outstanding."""
    for base in range(8):
        slot = int.from_bytes(
            keccak(asset_id.to_bytes(32, "big") + base.to_bytes(32, "big")), "big"
        )
        word = bytes(chain.provider.get_storage(rollup.address, slot + 1))
        if int.from_bytes(word, "big") != 0:
            return slot + 1, word
    raise AssertionError("the mapping of assets has moved: look further")


def test_deposit__gate_closed__reverts(rollup, token, asset_id, deposit, gate, payer, reverts):
    gate.setClosed(True, sender=payer)

    with reverts(gate, "GateClosed", owner=payer):
        deposit(token, 1)
    assert rollup.depositCount() == 0


def test_deposit__no_allowance__reverts(rollup, token, asset_id, payer, reverts):
    token.mint(payer, 1, sender=payer)

    with reverts(token, "ERC20InsufficientAllowance", spender=rollup, allowance=0, needed=1):
        rollup.deposit(asset_id, payer, 1, b"", sender=payer)


def test_deposit_with_permit__good_permit__succeeds(
    rollup, permit_token, list_asset, permit, payer
):
    asset_id = list_asset(permit_token)
    permit_token.mint(payer, DOLLAR, sender=payer)

    rollup.depositWithPermit(
        asset_id, payer, DOLLAR, b"", *permit(permit_token, DOLLAR), sender=payer
    )

    assert permit_token.balanceOf(rollup) == DOLLAR
    assert rollup.depositCount() == 1


def test_deposit_with_permit__permit_sent_before__succeeds(
    rollup, permit_token, list_asset, permit, payer, attacker
):
    asset_id = list_asset(permit_token)
    permit_token.mint(payer, DOLLAR, sender=payer)
    arguments = permit(permit_token, DOLLAR)
    permit_token.permit(payer, rollup, DOLLAR, *arguments, sender=attacker)

    rollup.depositWithPermit(asset_id, payer, DOLLAR, b"", *arguments, sender=payer)

    assert permit_token.balanceOf(rollup) == DOLLAR


def test_deposit_with_permit__token_without_permit__succeeds(rollup, token, asset_id, payer):
    token.mint(payer, DOLLAR, sender=payer)
    token.approve(rollup, DOLLAR, sender=payer)

    rollup.depositWithPermit(
        asset_id, payer, DOLLAR, b"", 0, 27, bytes(32), bytes(32), sender=payer
    )

    assert token.balanceOf(rollup) == DOLLAR


def test_deposit_with_permit__bad_permit__reverts(
    rollup, permit_token, list_asset, permit, payer, reverts
):
    asset_id = list_asset(permit_token)
    permit_token.mint(payer, DOLLAR, sender=payer)

    with reverts(
        permit_token, "ERC20InsufficientAllowance", spender=rollup, allowance=0, needed=DOLLAR
    ):
        rollup.depositWithPermit(
            asset_id, payer, DOLLAR, b"", *permit(permit_token, DOLLAR - 1), sender=payer
        )


def test_deposit_with_permit__unknown_asset__reverts(rollup, payer, reverts):
    with reverts(rollup, "AssetUnknown", assetId=9):
        rollup.depositWithPermit(9, payer, DOLLAR, b"", 0, 27, bytes(32), bytes(32), sender=payer)
