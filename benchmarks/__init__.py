"""What smaker costs, beside the least it could cost: `python -m benchmarks`, reported in docs/performance.md."""
