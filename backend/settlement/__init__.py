"""Settlement: the only door to the chain. Law: web3 is imported in client.py alone."""
