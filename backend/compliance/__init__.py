"""Who may bring money in: checks of customers, and what is attested about them on the chain."""
