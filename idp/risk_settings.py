"""The options of risk and policy: which policy decides, and which files say what an address is."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from idp.account_settings import Duration

HeaderName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9-]{1,64})?$", to_lower=True)]


class RiskSettings(BaseModel):
    """What is asked of whom, and what that rests on."""

    policy_file: str = Field(
        "balanced", description="step-up policy: a TOML file, or `balanced`, `quiet`, `strict` (see docs/policy.md)"
    )
    asn_db: Path | None = Field(None, description="MaxMind-format file of autonomous systems, supplied by the operator")
    network_lists: Path | None = Field(
        None, description="folder with `tor.txt`, `deny.txt`, `watch.txt` (networks) and `kinds.txt` (`ASN KIND`)"
    )
    ja4_header: HeaderName = Field(
        "", description="header in which a trusted proxy names the client's TLS fingerprint (JA4); recorded, no score"
    )
    ja4h_header: HeaderName = Field(
        "", description="header in which a trusted proxy names the HTTP fingerprint (JA4H); recorded, no score"
    )
    rtt_header: HeaderName = Field(
        "", description="header in which a trusted proxy tells the round trip time in ms; recorded, no score"
    )
    decisions_kept: Duration = Field(
        timedelta(days=90), description="how long decisions about sign-ins are kept, for explanations and simulations"
    )
    audit_kept: Duration = Field(
        timedelta(days=400), ge=timedelta(days=1), description="how long events of the audit trail are kept, at least"
    )
