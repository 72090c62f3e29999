"""What the platform does per second and per unit of gas, beside what the chain alone does."""
