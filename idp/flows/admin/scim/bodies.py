"""Resources and changes of them as clients send them: read strictly, applied whole or not at all."""

from collections.abc import Mapping
from typing import Any

from scim2_models import Context, PatchOp

from idp.domain.json import Json
from idp.flows.admin.scim import entra
from idp.flows.admin.scim.faults import Kind, ScimProblem, reading
from idp.flows.admin.scim.filters import check_bounds
from idp.flows.admin.scim.models import POLICY

_LONGEST_PATH = 512
_MOST_CHANGES = 100
_PASSWORD = "password"


def resource_of(document: Mapping[str, Json], model: Any, *, is_new: bool) -> Any:
    """Return a resource that was checked; what only we write is left out of it."""
    _refuse_password(document)
    context = Context.RESOURCE_CREATION_REQUEST if is_new else Context.RESOURCE_REPLACEMENT_REQUEST
    with reading():
        return model.model_validate(_without_nulls(document), scim_ctx=context, scim_policy=POLICY)


def replaced(document: Mapping[str, Json], before: Any) -> Any:
    """Return a resource as a PUT wants it, which was as it is in `before`."""
    resource = resource_of(document, type(before), is_new=False)
    with reading():
        resource.replace(before)
    return resource


def patched(document: Mapping[str, Json], before: Any) -> Any:
    """Return a person with the changes of a PATCH, one after another: what one makes, the next may mean."""
    name, changes = _changes_of(document)
    _check_count(changes := entra.in_letter(changes))
    patch_of({**document, name: changes} if changes else document, before)
    after = before.model_copy(deep=True)
    for change in changes:
        assert isinstance(change, Mapping), "anything else was refused"
        patch = patch_of({**document, name: [entra.suited(change, after)]}, after)
        with reading():
            patch.patch(after, scim_policy=POLICY)
    return after


def _changes_of(document: Mapping[str, Json]) -> tuple[str, list[Json]]:
    """Return the changes of a PATCH and what they are called in it."""
    for name, value in document.items():
        if name.lower() == "operations" and isinstance(value, list):
            _check_changes(value)
            return name, value
    return "Operations", []


def patch_of(document: Mapping[str, Json], before: Any) -> Any:
    """Return the changes of a PATCH, which were checked but not applied."""
    changes = next((value for name, value in document.items() if name.lower() == "operations"), None)
    if isinstance(changes, list):
        _check_changes(changes)
    message = PatchOp.__class_getitem__(type(before))
    with reading():
        return message.model_validate(dict(document), scim_ctx=Context.RESOURCE_PATCH_REQUEST, scim_policy=POLICY)


def check_lists(value: Json, most: int) -> None:
    """Raise ScimProblem for a list that is too long to be compared pair by pair."""
    if isinstance(value, Mapping):
        for part in value.values():
            check_lists(part, most)
    elif isinstance(value, list | tuple):
        if len(value) > most:
            raise ScimProblem(Kind.TOO_MANY, f"a list has {most} values at most")
        for part in value:
            check_lists(part, most)


def _check_changes(changes: list[Json]) -> None:
    """Raise ScimProblem for too many changes, paths that are too long or too deep to be parsed, and passwords."""
    _check_count(changes)
    for change in changes:
        if not isinstance(change, Mapping):
            continue
        for name, value in change.items():
            if name.lower() == "path" and isinstance(value, str):
                _check_path(value)
            if name.lower() == "value" and isinstance(value, Mapping):
                for path in value:
                    _check_path(path)


def _check_count(changes: list[Json]) -> None:
    if len(changes) > _MOST_CHANGES:
        raise ScimProblem(Kind.INVALID_VALUE, f"a PATCH has {_MOST_CHANGES} operations at most")


def _check_path(path: str) -> None:
    check_bounds(path, kind=Kind.INVALID_PATH, longest=_LONGEST_PATH)
    if path.rpartition(":")[2].strip().lower() == _PASSWORD:
        raise _no_password()


def _refuse_password(document: Mapping[str, Json]) -> None:
    if any(name.rpartition(":")[2].strip().lower() == _PASSWORD for name in document):
        raise _no_password()


def _no_password() -> ScimProblem:
    return ScimProblem(Kind.MUTABILITY, "nobody chooses another's password: they choose it by a link that is sent them")


def _without_nulls(document: Mapping[str, Json]) -> dict[str, Json]:
    """Return a document without members that are null, which say what absent ones do (RFC 7643 §2.5)."""
    return {name: value for name, value in document.items() if value is not None}
