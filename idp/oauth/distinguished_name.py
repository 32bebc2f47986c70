"""Distinguished names as clients register them – RFC 4514; types by any spelling of RFC 4514 §3, or by number."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509


def read_subject(text: str) -> "x509.Name":
    """Return a subject by its parts; raise ValueError for what is no name (RFC 4514 §3)."""
    from cryptography import x509  # loaded by those who need it

    name = x509.Name.from_rfc4514_string(text, _types())
    if not list(name):
        raise ValueError("a subject has at least one part")
    return name


@cache
def _types() -> "_Types":
    from cryptography.x509.oid import NameOID

    return _Types(
        {
            "cn": NameOID.COMMON_NAME, "l": NameOID.LOCALITY_NAME, "st": NameOID.STATE_OR_PROVINCE_NAME,
            "o": NameOID.ORGANIZATION_NAME, "ou": NameOID.ORGANIZATIONAL_UNIT_NAME, "c": NameOID.COUNTRY_NAME,
            "street": NameOID.STREET_ADDRESS, "dc": NameOID.DOMAIN_COMPONENT, "uid": NameOID.USER_ID,
            "sn": NameOID.SURNAME, "gn": NameOID.GIVEN_NAME, "givenname": NameOID.GIVEN_NAME, "title": NameOID.TITLE,
            "serialnumber": NameOID.SERIAL_NUMBER, "e": NameOID.EMAIL_ADDRESS, "emailaddress": NameOID.EMAIL_ADDRESS,
            "organizationidentifier": NameOID.ORGANIZATION_IDENTIFIER,
            "businesscategory": NameOID.BUSINESS_CATEGORY, "jurisdictionc": NameOID.JURISDICTION_COUNTRY_NAME,
        }
    )  # fmt: skip


class _Types(dict[str, "x509.ObjectIdentifier"]):
    """Types by name, in any case (RFC 4514 §3: descriptors are case-insensitive)."""

    def get(self, name: str, default: "x509.ObjectIdentifier | None" = None) -> "x509.ObjectIdentifier | None":  # type: ignore[override]
        """Return the type of a name, whatever its case."""
        return super().get(name.lower(), default)
