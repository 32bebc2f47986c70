"""How unusual an attempt is, and who may say so."""
