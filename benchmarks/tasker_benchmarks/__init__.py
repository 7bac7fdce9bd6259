"""The benchmarks: this engine beside others, on one server, and studies of its cost. `make bench` runs them."""
