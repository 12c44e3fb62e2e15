"""Parts of the benchmark of rankers."""
