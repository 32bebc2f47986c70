"""What goes wrong at another provider; its reason is for the trail and the log, and never for a stranger."""


class UpstreamFault(Exception):
    """Another provider is away, refuses, or said something that cannot be believed; `reason` is a stable word for it.

    The text never holds a token, a code or more of a URL than its host.
    """

    def __init__(self, reason: str, detail: str = "", *, is_away: bool = False) -> None:
        """Say whether a later try may work: that is what `is_away` means."""
        super().__init__(detail or reason)
        self.reason = reason
        self.is_away = is_away
