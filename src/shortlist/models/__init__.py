"""Models, built from a schema: retrieval, ranking, classical."""
