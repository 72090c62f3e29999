"""What the tests of the command line's parts share: a deployment, and what a platform prepares."""

from backend.protocol.types import address_text
from backend.settlement.deployment_file import (
    PUBLIC_PARAMETERS,
    ContractRecord,
    Deployment,
    Roles,
    TokenRecord,
)

CHAIN_ID = 1
ROLLUP, TOKEN, NOBODY = (bytes([digit]) * 20 for digit in (0x11, 0x22, 0x33))


def deployment() -> Deployment:
    """Return a deployment on a public chain: nothing is given there."""
    return Deployment(
        chain_id=CHAIN_ID,
        genesis_hash=bytes(32),
        block_number=1,
        parameters=PUBLIC_PARAMETERS,
        roles=Roles(admin=NOBODY, lister=NOBODY, validators=(NOBODY,)),
        contracts={"Rollup": ContractRecord("Rollup", ROLLUP, 0, bytes(32), bytes(32))},
        tokens=(TokenRecord("USDX", TOKEN, 6, 1, 1),),
    )


def permit_for(owner: bytes, amount: int) -> dict:
    """Return the permit that lets the rollup take `amount`."""
    fields = ("owner", "spender", "value", "nonce", "deadline")
    types = ("address", "address", "uint256", "uint256", "uint256")
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Permit": [
                {"name": name, "type": kind} for name, kind in zip(fields, types, strict=True)
            ],
        },
        "primaryType": "Permit",
        "domain": {
            "name": "Test dollar",
            "version": "1",
            "chainId": CHAIN_ID,
            "verifyingContract": address_text(TOKEN),
        },
        "message": {
            "owner": address_text(owner),
            "spender": address_text(ROLLUP),
            "value": str(amount),
            "nonce": "0",
            "deadline": "1000",
        },
    }
