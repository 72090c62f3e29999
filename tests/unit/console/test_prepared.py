"""What the platform prepared for the chain.

- a call alone, an approval and a call
- nothing, an approval alone or last, a call twice, with an approval each or without
"""

import pytest

from backend.console.errors import PreparedWrong
from backend.console.prepared import check_sequence
from backend.protocol.types import address_text
from tests.unit.scenes import ROLLUP, TOKEN

APPROVAL, CALL = {"to": address_text(TOKEN)}, {"to": address_text(ROLLUP)}


@pytest.mark.parametrize("transactions", [[CALL], [APPROVAL, CALL]])
def test_check_sequence__one_call__succeeds(transactions):
    check_sequence(transactions, TOKEN)


@pytest.mark.parametrize(
    "transactions",
    [
        [],
        [APPROVAL],
        [CALL, APPROVAL],
        [CALL, CALL],
        [APPROVAL, APPROVAL, CALL],
        [APPROVAL, CALL, APPROVAL, CALL],
    ],
)
def test_check_sequence__anything_else__rejects(transactions):
    with pytest.raises(PreparedWrong):
        check_sequence(transactions, TOKEN)
