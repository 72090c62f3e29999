"""Any value of each type of the protocol."""

from hypothesis import strategies as st

from backend.protocol.authorised import PROOF_NODES_MAX
from backend.protocol.blocks import Block, Body, Rejection
from backend.protocol.log_entries import (
    BlockEntry,
    Entry,
    IdentityEntry,
    NextRoundEntry,
    OrderEntry,
    SeenEntry,
    TimeoutEntry,
    VoteEntry,
)
from backend.protocol.money import fee_minor
from backend.protocol.operations import Deposit, NoOp, OpenAccount, Payment, Withdrawal
from backend.protocol.order_records import (
    LEGS_MAX,
    LEGS_MIN,
    OrderGroup,
    RootedOrder,
    SignedOrder,
)
from backend.protocol.orders import PaymentOrder, WithdrawalOrder
from backend.protocol.types import (
    Asset,
    AuthorisedRoot,
    DepositRecord,
    Epoch,
    ExitRequest,
    Leaf,
)
from backend.protocol.votes import Certificate, NextRound, Seen, Timeout


def uints(size_bytes: int, minimum: int = 0) -> st.SearchStrategy[int]:
    return st.integers(minimum, 2 ** (8 * size_bytes) - 1)


def _bytes(size_bytes: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size_bytes, max_size=size_bytes)


def tuples(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, max_size=3).map(tuple)


addresses = _bytes(20)
digests = _bytes(32)
signatures = _bytes(65)
owners = addresses.filter(any)

amounts = uints(6, minimum=1)
fees = uints(1).map(fee_minor)
account_ids = uints(4, minimum=2)
operations = st.one_of(
    st.builds(Payment, account_ids, account_ids, amounts, fees).filter(
        lambda o: o.payer != o.payee
    ),
    st.builds(Deposit, account_ids, amounts),
    st.builds(Withdrawal, account_ids, amounts, fees),
    st.builds(OpenAccount, account_ids, uints(2, minimum=1), owners),
    st.just(NoOp()),
)

leaves = st.builds(Leaf, owners, uints(2, minimum=1), uints(8), uints(8))

payment_orders = st.builds(
    PaymentOrder,
    payer=addresses,
    payee=addresses,
    asset=addresses,
    amount=uints(32),
    fee=uints(32),
    nonce=uints(8),
    valid_until=uints(8),
    memo=digests,
    link=digests,
)
withdrawal_orders = st.builds(
    WithdrawalOrder,
    payer=addresses,
    asset=addresses,
    amount=uints(32),
    fee=uints(32),
    nonce=uints(8),
    valid_until=uints(8),
)
orders = st.one_of(payment_orders, withdrawal_orders)
signed_orders = st.builds(SignedOrder, orders, signatures)
proofs = st.lists(digests, max_size=3) | st.just([bytes(32)] * PROOF_NODES_MAX)
rooted_orders = st.builds(RootedOrder, orders, digests, proofs.map(tuple))
legs = st.one_of(
    st.builds(SignedOrder, payment_orders, signatures),
    st.builds(RootedOrder, payment_orders, digests, proofs.map(tuple)),
)
groups = st.builds(OrderGroup, st.lists(legs, min_size=LEGS_MIN, max_size=LEGS_MAX).map(tuple))
records = st.one_of(signed_orders, rooted_orders, groups)

blocks = st.builds(
    Block, uints(8), uints(4), uints(4), digests, digests, digests, uints(4), uints(8)
)
certificates = st.builds(Certificate, blocks, tuples(signatures))
bodies = st.builds(
    Body,
    l1_block_number=uints(8),
    listings=tuples(st.builds(Asset, uints(2), addresses, uints(8), addresses)),
    deposits=tuples(st.builds(DepositRecord, addresses, uints(2), addresses, uints(6), uints(8))),
    roots=tuples(st.builds(AuthorisedRoot, addresses, digests)),
    records=tuples(records),
    rejections=tuples(st.builds(Rejection, digests, uints(2))),
    exits=tuples(st.builds(ExitRequest, uints(4), addresses)),
    epoch=st.one_of(st.none(), st.builds(Epoch, uints(4), tuples(addresses))),
)

entries = st.builds(
    Entry,
    uints(8),
    st.one_of(
        st.builds(IdentityEntry, uints(8), addresses, digests),
        st.builds(OrderEntry, records),
        st.builds(SeenEntry, st.builds(Seen, uints(8), digests), signatures),
        st.builds(BlockEntry, blocks, signatures, st.binary(max_size=40)),
        st.builds(TimeoutEntry, st.builds(Timeout, uints(8), uints(4), uints(4)), signatures),
        st.builds(VoteEntry, digests, signatures),
        st.builds(NextRoundEntry, st.builds(NextRound, uints(8), uints(4), uints(4)), signatures),
    ),
)
