"""Runs the migrations over the connection that `idp db upgrade` hands in."""

from alembic import context
from sqlalchemy.types import TypeDecorator

from idp.storage import directory, stores  # noqa: F401 - bring every table into the metadata
from idp.storage.columns import metadata


def render_item(kind, item, _autogen_context):
    """Write our own column types as the plain types beneath, so that old migrations never import new code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl).__name__}()"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
