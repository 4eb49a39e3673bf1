"""What keepthread costs, beside the bare driver and the stores of others: `python -m bench`. See docs/benchmarks.md."""
