"""What nodes' words mean.

- refusals of geth, anvil and Hardhat
- a transaction that the node has already
"""

import pytest

from backend.settlement.chain import (
    ContractError,
    Refusal,
    TransactionRefused,
    is_already_known,
    refusal_of,
)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_TOO_LOW),
        ("Nonce too low. Expected nonce to be 5 but got 4.", Refusal.NONCE_TOO_LOW),
        ("replacement transaction underpriced", Refusal.UNDERPRICED),
        ("transaction underpriced: gas tip cap 1, minimum needed 2", Refusal.UNDERPRICED),
        ("insufficient funds for gas * price + value", Refusal.INSUFFICIENT_FUNDS),
        ("Sender doesn't have enough funds to send tx", Refusal.INSUFFICIENT_FUNDS),
        ("Insufficient funds for gas * price + value", Refusal.INSUFFICIENT_FUNDS),
        ("oversized data: transaction size 131073", Refusal.TOO_LARGE),
        ("exceeds block gas limit", Refusal.TOO_LARGE),
        ("transaction type not supported", Refusal.BLOBS_REFUSED),
        ("unexpected blob sidecar", Refusal.BLOBS_REFUSED),
        ("execution reverted: custom error 0xca4b4283", Refusal.REVERTED),
        ("the moon is full", Refusal.OTHER),
    ],
)
def test_refusal_of__words__succeeds(message, expected):
    assert refusal_of(message) is expected


@pytest.mark.parametrize("message", ["already known", "transaction already imported"])
def test_is_already_known__words__succeeds(message):
    assert is_already_known(message)
    assert not is_already_known("nonce too low")


def test_refused__message__shows_the_contracts_error_holds():
    error = ContractError("TooFar", {"limit": 9})

    assert str(TransactionRefused(Refusal.REVERTED, "words", error)) == "reverted: TooFar(limit=9)"
    assert str(TransactionRefused(Refusal.OTHER, "words")) == "refused: words"
