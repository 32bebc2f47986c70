"""Types of authorization details: what applications may ask for one by one, and how a person is told (RFC 9396)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, JsonValue

from idp.domain.detail_type import DetailType
from idp.flows.admin.definitions import Noun
from idp.flows.admin.operation import Input, Output, Work
from idp.flows.admin.values import Id, Text, Version, version_of
from idp.policy.definitions import check_detail_type
from idp.storage.definitions import DETAIL_TYPE, content_of


class DetailTypeTold(Input):
    """A type as it is to be: the JSON Schema of its members, and a line in which `{member}` stands for a value."""

    type: Annotated[str, Field(min_length=1, max_length=100)]
    json_schema: dict[str, JsonValue]
    template: Text


class DetailTypeChanged(DetailTypeTold):
    """What is to stand in the place of a type."""

    id: Id
    version: Version | None = None


class DetailTypeShown(Output):
    """A type of authorization details."""

    id: str
    type: str
    json_schema: dict[str, JsonValue]
    template: str
    version: str


class DetailTypes(Output):
    """All types by their names."""

    items: list[DetailTypeShown]


def told_of(detail_type: DetailType) -> DetailTypeTold:
    """Return a type as an input that would make it."""
    return DetailTypeTold.model_validate(
        {"type": detail_type.type, "json_schema": detail_type.schema, "template": detail_type.template}
    )


async def _build(_work: Work, told: DetailTypeTold, type_id: str) -> DetailType:
    made = DetailType(type_id, told.type, told.json_schema, told.template)
    check_detail_type(made)
    return made


async def _show(_work: Work, found: Sequence[DetailType]) -> list[DetailTypeShown]:
    return [
        DetailTypeShown(id=each.id, version=version_of(content_of(each)), **told_of(each).model_dump())
        for each in found
    ]  # fmt: skip


DETAIL_TYPES = Noun(
    DETAIL_TYPE, "detail_types", "/detail-types", DetailTypeTold, DetailTypeChanged, DetailTypeShown, DetailTypes,
    _build, _show,
)  # fmt: skip
OPERATIONS = DETAIL_TYPES.operations
