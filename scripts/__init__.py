"""What people and CI run: the demo, benchmarks, deployment, checks."""
