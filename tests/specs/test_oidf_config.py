"""OpenID Foundation, Config OP: the one module of `oidcc-config-certification-test-plan`."""

from tests.support import oidf_discovery
from tests.support.provider import Provider


async def test_oidcc_discovery_endpoint_verification(provider: Provider) -> None:
    """Issuer as asked, RS256 and openid listed, https everywhere, types right, keys that are public and distinct."""
    metadata = await oidf_discovery.verify(provider)

    assert metadata["request_parameter_supported"] is True
    assert metadata["claims_parameter_supported"] is True
    assert isinstance(metadata["request_uri_parameter_supported"], bool)  # its absence would mean true
