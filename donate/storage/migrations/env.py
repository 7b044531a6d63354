"""Runs the migrations, on the connection that `Database.upgrade` passes to Alembic."""

from alembic import context
from sqlmodel import SQLModel

import donate.finance.models
import donate.gifts.models
import donate.letters.models
import donate.stripe_gateway.models  # noqa: F401 -- the imports fill SQLModel.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
)
context.run_migrations()
