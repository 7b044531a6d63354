"""What every lever has in common."""

from pydantic import BaseModel, ConfigDict

MAX_TIMES = 1_000


class ControlBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
