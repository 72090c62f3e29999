"""Who signed many orders at once, found beside the event loop.

Law: of each signature exactly what protocol/signing.py's `recover` says.
"""

from collections.abc import Callable, Sequence

import numpy as np

from backend.engine.vector.libsecp import DIGEST_BYTES, FINE, addresses_of, recover_many
from backend.protocol.eip712 import Domain
from backend.protocol.hashing import Digest
from backend.protocol.order_records import OrderRecord, SignedOrder, authorised_orders
from backend.protocol.signing import SIGNATURE_BYTES, recover
from backend.protocol.types import Address

Recover = Callable[[Digest, bytes], Address]
"""Returns who signed a digest, or raises SignatureInvalid or SignatureHighS."""


def signers_of(domain: Domain, records: Sequence[OrderRecord]) -> Recover:
    """Return a `recover` that has looked at all signatures of these records already.

    It holds the interpreter for a small part of its time, so a thread may run it.
    """
    signed = [
        (authorised.digest(domain), authorised.signature)
        for record in records
        for authorised in authorised_orders(record)
        if isinstance(authorised, SignedOrder) and len(authorised.signature) == SIGNATURE_BYTES
    ]
    digests = b"".join(digest for digest, _ in signed)
    signatures = b"".join(signature for _, signature in signed)
    recovered = recover_many(
        np.frombuffer(digests, np.uint8).reshape(-1, DIGEST_BYTES),
        np.frombuffer(signatures, np.uint8).reshape(-1, SIGNATURE_BYTES),
    )
    addresses = addresses_of(recovered.keys)
    found = zip(signed, addresses, recovered.outcomes, strict=True)
    signer_of = {one: Address(who.tobytes()) for one, who, outcome in found if outcome == FINE}

    def known_or_recovered(digest: Digest, signature: bytes) -> Address:
        return signer_of.get((digest, signature)) or recover(digest, signature)

    return known_or_recovered
