"""The base class of all request bodies of the control routes."""

from pydantic import BaseModel, ConfigDict

MAX_TIMES = 1_000


class ControlBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
