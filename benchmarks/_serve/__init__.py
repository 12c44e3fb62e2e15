"""Parts of the benchmark of one request."""
