"""What wallets sign: the same as an independent wallet library.

What they send is tested on a chain, in tests/e2e/test_cli.py.
"""

from eth_account import Account

from backend.console.wallets import sign_typed_data
from backend.protocol.hashing import keccak
from backend.protocol.signing import PrivateKey
from tests.unit.scenes import permit_for

SECRET = keccak(b"alice")


def test_sign_typed_data__permit__equals_a_wallets_holds():
    typed_data = permit_for(PrivateKey(SECRET).address, 5)

    signature = sign_typed_data(PrivateKey(SECRET), typed_data)

    assert signature == Account.sign_typed_data(SECRET, full_message=typed_data).signature
