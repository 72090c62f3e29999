"""Client for the Causeway payment platform: sign orders, send payments, follow them."""
