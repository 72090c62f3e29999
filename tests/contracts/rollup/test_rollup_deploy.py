"""What a new rollup is, and the listing of assets.

- deploy: parameters kept, genesis state, domain | lag shorter than the window → reverts
- list_asset: next id, once → kept for ever | not the lister, no code, listed, unit 0 → reverts
"""

import pytest
from eth_utils import keccak

from backend.protocol.state_tree import genesis_tree

ZERO_ADDRESS = "0x" + "00" * 20


def test_deploy__parameters__succeeds(rollup, committee, gate, lister):
    assert rollup.committee() == committee
    assert rollup.gate() == gate
    assert rollup.lister() == lister
    assert rollup.challengeWindow() == 60
    assert rollup.timestampLag() == 86_400


def test_deploy__genesis__succeeds(rollup):
    assert rollup.genesisRoot() == genesis_tree().root
    assert (rollup.tip(), rollup.frontier(), rollup.depositCount()) == (0, 0, 0)
    assert rollup.batchSlot(0) == rollup.depositHash(0) == bytes(32)
    assert rollup.assetCount() == 0


def test_deploy__domain__succeeds(rollup, chain):
    domain = rollup.eip712Domain()
    packed = b"".join(
        [
            keccak(
                text="EIP712Domain(string name,string version,uint256 chainId,"
                "address verifyingContract)"
            ),
            keccak(text="Causeway"),
            keccak(text="1"),
            chain.chain_id.to_bytes(32, "big"),
            bytes.fromhex(rollup.address[2:]).rjust(32, b"\0"),
        ]
    )

    assert (domain.name, domain.version) == ("Causeway", "1")
    assert (domain.chainId, domain.verifyingContract) == (chain.chain_id, rollup)
    assert rollup.domainSeparator() == keccak(packed)


def test_deploy__lag_equals_window__succeeds(project, lister, committee, gate):
    lister.deploy(project.Rollup, committee, gate, lister, 60, 60)


def test_deploy__lag_below_window__reverts(project, lister, committee, gate, reverts):
    with reverts(project.Rollup, "TimestampLagTooShort", minimum=60, actual=59):
        lister.deploy(project.Rollup, committee, gate, lister, 60, 59)


def test_list_asset__two_tokens__succeeds(project, rollup, token, lister, payee):
    other = lister.deploy(project.ReturnBoolToken, "Other", "OTHER", 18)

    receipt = rollup.listAsset(token, 1, payee, sender=lister)
    rollup.listAsset(other, 10**12, ZERO_ADDRESS, sender=lister)

    assert rollup.assetCount() == 2
    assert tuple(rollup.assets(1)) == (token, 1, payee, 0)
    assert tuple(rollup.assets(2)) == (other, 10**12, ZERO_ADDRESS, 0)
    assert (rollup.assetIdOf(token), rollup.assetIdOf(other)) == (1, 2)
    [event] = receipt.decode_logs(rollup.AssetListed)
    assert (event.assetId, event.token, event.unit, event.feeOwner) == (1, token, 1, payee)


def test_list_asset__not_lister__reverts(rollup, token, lister, attacker, reverts):
    with reverts(rollup, "SenderNotLister", expected=lister, actual=attacker):
        rollup.listAsset(token, 1, attacker, sender=attacker)


@pytest.mark.parametrize("address", [ZERO_ADDRESS, "0x" + "11" * 20])
def test_list_asset__no_code__reverts(rollup, lister, reverts, address):
    with reverts(rollup, "TokenWithoutCode", token=address):
        rollup.listAsset(address, 1, ZERO_ADDRESS, sender=lister)


def test_list_asset__listed_already__reverts(rollup, token, asset_id, lister, reverts):
    with reverts(rollup, "TokenAlreadyListed", token=token, assetId=asset_id):
        rollup.listAsset(token, 10, ZERO_ADDRESS, sender=lister)


def test_list_asset__unit_zero__reverts(rollup, token, lister, reverts):
    with reverts(rollup, "UnitZero"):
        rollup.listAsset(token, 0, ZERO_ADDRESS, sender=lister)
