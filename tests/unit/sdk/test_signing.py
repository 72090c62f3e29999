"""Orders of the client: the same bytes and digests as the protocol's; keys and domains."""

import pytest
from eth_account import Account

from backend.protocol.hashing import keccak
from backend.protocol.order_records import decode_record
from causeway.signing import Domain, Key, PaymentOrder, WithdrawalOrder, sign
from tests.unit.access.world import key, order, withdrawal
from tests.unit.access.world import sign as protocol_sign
from tests.unit.engine.committee import CHAIN_ID, DOMAIN, ROLLUP

PAYER, PAYEE = Key(keccak(b"payer")), Key(keccak(b"payee"))


@pytest.mark.parametrize("is_withdrawal", [False, True])
def test_sign__any_order__equals_the_protocol_holds(is_withdrawal):
    payer = key("payer")
    made = (
        withdrawal(payer, 5) if is_withdrawal else order(payer, PAYEE.address, 5, memo=b"\x07" * 32)
    )
    expected = protocol_sign(payer, made)
    kind = WithdrawalOrder if is_withdrawal else PaymentOrder

    signed = sign(kind.from_message(made.message()), PAYER, Domain(CHAIN_ID, ROLLUP))

    assert signed.id == expected.digest(DOMAIN)
    assert signed.record() == expected.encode()
    assert decode_record(signed.record()) == expected
    assert signed.order.message() == made.message()


def test_key__any_form__hides_its_secret_holds():
    text = "0x" + keccak(b"payer").hex()
    keystore = Account.encrypt(keccak(b"payer"), "word", kdf="scrypt", iterations=2)

    assert Key(text).address == PAYER.address == Key.from_keystore(keystore, "word").address
    assert text[2:] not in repr(Key(text))
    with pytest.raises(ValueError, match="32 bytes"):
        Key("0x12")
    with pytest.raises(ValueError, match="not the payer"):
        sign(WithdrawalOrder(PAYER.address, bytes(20), 1, 0, 0, 1), PAYEE, Domain(1, ROLLUP))


def test_domain__of_another_contract__rejects():
    with pytest.raises(ValueError, match="no domain"):
        Domain.from_json({"name": "Other", "version": "1", "chainId": 1, "verifyingContract": ""})
