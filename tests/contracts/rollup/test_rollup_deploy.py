"""What a new rollup is, and the listing of assets.

- deploy: parameters kept, genesis state, domain | lag shorter than all windows → reverts
- list_asset: next id, once → kept for ever | not the lister, no code, listed, unit 0 → reverts
"""

import pytest
from eth_utils import keccak

from backend.protocol.state_tree import genesis_tree
from tests.contracts.core import WINDOWS, Windows, deploy_core

ZERO_ADDRESS = "0x" + "00" * 20


def test_deploy__parameters__succeeds(core, rollup, gate, lister):
    assert rollup.committee() == core.committee
    assert rollup.exits() == core.exits
    assert rollup.disputes() == core.disputes
    assert rollup.challenges() == core.challenges
    assert rollup.gate() == gate
    assert rollup.lister() == lister
    assert (
        rollup.challengeWindow(),
        rollup.answerWindow(),
        rollup.exitDeadline(),
        rollup.depositTimeout(),
        rollup.silenceDeadline(),
        rollup.timestampLag(),
        rollup.gasPriceFloor(),
    ) == WINDOWS


def test_deploy__genesis__succeeds(rollup):
    assert rollup.genesisRoot() == genesis_tree().root
    assert (rollup.tip(), rollup.frontier(), rollup.depositCount()) == (0, 0, 0)
    assert rollup.batchSlot(0) == rollup.depositHash(0) == bytes(32)
    assert rollup.assetCount() == 0
    assert (rollup.frozenTsS(), rollup.rolledBackTsS()) == (0, 0)


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


@pytest.mark.parametrize("lag_s", [175, 176])
def test_deploy__lag_as_long_as_all_windows__succeeds(project, lister, gate, lag_s):
    deploy_core(project, lister, gate, [lister], _windows(lag_s))


def test_deploy__lag_shorter_than_all_windows__reverts(project, lister, gate, reverts):
    with reverts(project.Rollup, "TimestampLagTooShort", minimum=175, actual=174):
        deploy_core(project, lister, gate, [lister], _windows(174))


def _windows(lag_s):
    return Windows(challenge_s=60, answer_s=15, silence_s=100, timestamp_lag_s=lag_s)


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
