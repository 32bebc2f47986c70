"""The resources of SCIM as we serve them: what has no place here is not in the schema, and is refused.

Not here: which of our claims an attribute is → mapping.py.
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    Extension,
    External,
    Meta,
    Mutability,
    Reference,
    Required,
    Resource,
    ResourceType,
    ScimPolicy,
    ScimProvider,
    Uniqueness,
)
from scim2_models.resources.resource import AnyExtension

#: Unknown attributes are refused; what Entra sends to take members out of a group is understood.
POLICY = ScimPolicy(remove_value_as_filter=ScimPolicy.RemoveValue.apply)


class Name(ComplexAttribute):
    """The components of a person's name."""

    formatted: str | None = None
    """The full name, formatted for display."""

    family_name: str | None = None
    """The family name."""

    given_name: str | None = None
    """The given name."""

    middle_name: str | None = None
    """The middle names."""

    honorific_prefix: str | None = None
    """What stands before the name, such as a title."""

    honorific_suffix: str | None = None
    """What stands behind the name."""


class Email(ComplexAttribute):
    """The e-mail address that a person signs in and is written to with."""

    value: Annotated[str | None, Uniqueness.server] = None
    """The address."""

    type: str | None = None
    """What the address is for, such as work or home."""

    primary: bool | None = None
    """Always true of the one address."""


class PhoneNumber(ComplexAttribute):
    """A telephone number."""

    value: str | None = None
    """The number."""

    type: str | None = None
    """What the number is for, such as work or mobile."""

    primary: bool | None = None
    """Always true of the one number."""


class Address(ComplexAttribute):
    """A postal address."""

    formatted: str | None = None
    """The full address, formatted for display."""

    street_address: str | None = None
    """Street, house number and the like."""

    locality: str | None = None
    """The city or place."""

    region: str | None = None
    """The state or region."""

    postal_code: str | None = None
    """The postal code."""

    country: str | None = None
    """The country."""

    type: str | None = None
    """What the address is for, such as work or home."""

    primary: bool | None = None
    """Always true of the one address."""


class Membership(ComplexAttribute):
    """A group that a person is in."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """The id of the group."""

    ref: Annotated[Reference["Group"] | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """Where the group is."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the group."""


class User(Resource[AnyExtension]):
    """A person."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:User")

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The username, or else the e-mail address."""

    name: Name | None = None
    """The components of the person's name."""

    Name: ClassVar[type[ComplexAttribute]] = Name

    display_name: str | None = None
    """The name as it is shown."""

    nick_name: str | None = None
    """What the person is casually called."""

    profile_url: Reference[External] | None = None
    """A page about the person."""

    title: str | None = None
    """The person's title in their organization."""

    user_type: str | None = None
    """How the person belongs to the organization."""

    preferred_language: str | None = None
    """The language that the person prefers."""

    locale: str | None = None
    """The language and region that messages to the person are written for."""

    timezone: str | None = None
    """The time zone, by its name in the Olson database."""

    active: bool | None = None
    """Whether the person may come in."""

    emails: list[Email] | None = None
    """One e-mail address."""

    Emails: ClassVar[type[ComplexAttribute]] = Email

    phone_numbers: list[PhoneNumber] | None = None
    """One telephone number."""

    PhoneNumbers: ClassVar[type[ComplexAttribute]] = PhoneNumber

    addresses: list[Address] | None = None
    """One postal address."""

    Addresses: ClassVar[type[ComplexAttribute]] = Address

    groups: Annotated[list[Membership] | None, Mutability.read_only] = None
    """The groups that the person is in."""

    Groups: ClassVar[type[ComplexAttribute]] = Membership


class EnterpriseUser(Extension):
    """What organizations know of their people."""

    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    """The number of the employee."""

    cost_center: str | None = None
    """The name of a cost center."""

    organization: str | None = None
    """The name of an organization."""

    division: str | None = None
    """The name of a division."""

    department: str | None = None
    """The name of a department."""


class Member(ComplexAttribute):
    """A person who is in a group; groups within groups are not known here."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """The id of the person."""

    ref: Annotated[Reference["User"] | None, Mutability.immutable] = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """Where the person is."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])
    """Always User."""

    display: Annotated[str | None, Mutability.read_only] = None
    """Not shown: who may read groups may not always read people."""


class Group(Resource[Any]):
    """A group of people."""

    __schema__ = URN("urn:ietf:params:scim:schemas:core:2.0:Group")

    display_name: Annotated[str | None, Required.true, CaseExact.true, Uniqueness.server] = None
    """The name, as the groups claim says it."""

    members: list[Member] | None = None
    """The people who are in the group."""

    Members: ClassVar[type[ComplexAttribute]] = Member


Person: Any = User[EnterpriseUser]
PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(Person), ResourceType.from_resource(Group)],
    policy=POLICY,
)

__all__ = ["POLICY", "PROVIDER", "Address", "Email", "EnterpriseUser", "Group", "Member", "Membership", "Meta", "Name",
           "Person", "PhoneNumber", "User"]  # fmt: skip
