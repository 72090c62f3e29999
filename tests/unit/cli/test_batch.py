"""Batches as the command line shows them.

- one that the chain doesn't have yet: no transaction, no block of the chain
"""

from backend.access.settings import ApiSettings
from backend.access.views import built_batch_view
from backend.cli.batch import batch_table
from backend.cli.screen import Screen
from backend.protocol.batches import genesis_header
from backend.protocol.eip712 import ledger_domain
from backend.protocol.hashing import ZERO_DIGEST
from backend.protocol.types import ZERO_ADDRESS
from causeway import Batch


def test_batch_table__built__shows_no_transaction_succeeds(capsys):
    settings = ApiSettings(ledger_domain(31337, ZERO_ADDRESS), ZERO_ADDRESS, 60_000)
    built = Batch.parse(built_batch_view(genesis_header(ZERO_DIGEST), settings))

    Screen(as_json=False).show({}, batch_table([built]))

    assert capsys.readouterr().out.split("\n")[1].split() == ["0", "built", "0", "0"]
