"""Conformance suites: what every op, loss, sampler, model, index, store and stage must pass."""
