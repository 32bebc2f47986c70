"""One file a family of signals; each is a pure function from Facts to Readings."""
