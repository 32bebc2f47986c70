"""`make bench`: what the provider costs, as ratios to the least that the same work can cost on this machine."""
