"""What an operator switched on beyond what every provider offers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Offers:
    """The switches that decide what may be registered and asked for.

    `front_channel` lets clients of profile `oidc` use implicit and hybrid response types (OIDC Core §3.2, §3.3);
    `sign_up` lets everybody make an account, and clients ask for that (prompt=create); `mutual_tls` lets clients prove
    themselves, and bind tokens, by certificate (RFC 8705).
    """

    front_channel: bool = False
    sign_up: bool = False
    mutual_tls: bool = False


#: For a registration that is not made or changed but only looked after: what it says must agree with itself.
EVERYTHING = Offers(front_channel=True, sign_up=True, mutual_tls=True)
