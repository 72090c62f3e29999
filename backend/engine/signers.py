"""Who signed many orders at once, found beside the event loop.

Law: of each signature exactly what protocol/signing.py's `recover` says.
"""

from collections.abc import Callable, Sequence

from backend.engine.vector.authority import Authority
from backend.engine.vector.orders import read_orders
from backend.protocol.hashing import Digest
from backend.protocol.order_records import (
    OrderRecord,
    SignedOrder,
    authorised_orders,
    encode_records,
)
from backend.protocol.signing import SIGNATURE_BYTES, recover
from backend.protocol.types import Address

Recover = Callable[[Digest, bytes], Address]
"""Returns who signed a digest, or raises SignatureInvalid or SignatureHighS."""


def signers_of(authority: Authority, records: Sequence[OrderRecord]) -> Recover:
    """Return a `recover` that has looked at all signatures of these records already.

    It holds the interpreter for a small part of its time, so a thread may run it.
    """
    signed = [
        authorised
        for record in records
        for authorised in authorised_orders(record)
        if isinstance(authorised, SignedOrder) and len(authorised.signature) == SIGNATURE_BYTES
    ]
    checked = authority.check(read_orders(encode_records(signed)))
    digests = (Digest(digest.tobytes()) for digest in checked.digests)
    signer_of = {
        (digest, one.signature): one.order.payer
        for one, digest, is_his in zip(signed, digests, checked.is_signed, strict=True)
        if is_his
    }

    def known_or_recovered(digest: Digest, signature: bytes) -> Address:
        return signer_of.get((digest, signature)) or recover(digest, signature)

    return known_or_recovered
