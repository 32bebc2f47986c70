"""Property tests of pure code: no deadline (the machine may be busy) and no folder of examples in the checkout."""

from hypothesis import settings

settings.register_profile("idp", deadline=None, database=None, derandomize=True)
settings.load_profile("idp")
