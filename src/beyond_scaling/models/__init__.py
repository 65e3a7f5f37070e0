"""Language models: published ones, loaded without running anything they bring along."""
