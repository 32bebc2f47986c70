"""Password hashes that other systems made: read at import, verified at the first sign-in, never made here."""
