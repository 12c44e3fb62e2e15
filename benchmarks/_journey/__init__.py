"""Parts of the benchmarks on a year at a grocer's."""
