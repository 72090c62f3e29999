"""What the regulated asset's transactions cost, and how large it is.

- mint, transfer, frozen tokens, forced transfer → as in tests/gas_snapshot.json
- runtime code stays below 20,000 bytes
"""

RUNTIME_SIZE_BYTES_MAX = 20_000


def test_deploy__regulated_asset_size__holds(chain, token):
    assert len(chain.provider.get_code(token.address)) <= RUNTIME_SIZE_BYTES_MAX


def test_mint_and_transfer__gas__holds(gas_snapshot, token, issuer, holder, payee):
    mint = token.mint(issuer, 10, sender=issuer)
    first = token.transfer(payee, 10, sender=holder)
    second = token.transfer(payee, 10, sender=holder)

    gas_snapshot("RegulatedAsset.mint: new holder", mint.gas_used)
    gas_snapshot("RegulatedAsset.transfer: new holder", first.gas_used)
    gas_snapshot("RegulatedAsset.transfer: old holder", second.gas_used)


def test_enforcement__gas__holds(gas_snapshot, token, issuer, holder, payee):
    freezing = token.setFrozenTokens(holder, 100, sender=issuer)
    forcing = token.forcedTransfer(holder, payee, 30, sender=issuer)

    gas_snapshot("RegulatedAsset.setFrozenTokens: first time", freezing.gas_used)
    gas_snapshot("RegulatedAsset.forcedTransfer: frozen, new holder", forcing.gas_used)
