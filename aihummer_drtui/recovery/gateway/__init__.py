"""The gateway: its environment, its version, its probes, its smoke test and its media."""
