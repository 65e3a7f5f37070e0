"""Training: configurations, the loop, checkpoints, sweeps, records."""
