"""Reads deploy/Containerfile, as far as its tests need it."""

import json
import shlex
from dataclasses import dataclass, field
from pathlib import Path

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


@dataclass
class Stage:
    """A stage of the image: its base and its instructions, in order."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def of(self, instruction: str) -> list[str]:
        """Return the arguments of each instruction of this kind."""
        return [arguments for name, arguments in self.steps if name == instruction]

    def one(self, instruction: str) -> list[str]:
        """Return the words of the only instruction of this kind, in its exec form."""
        (arguments,) = self.of(instruction)
        return words_of(arguments)


def words_of(arguments: str) -> list[str]:
    """Return the words of an instruction in exec form. Raises ValueError for one with a shell."""
    words: list[str] = json.loads(arguments)
    return words


def variables_of(stage: Stage) -> dict[str, str]:
    return dict(
        word.split("=", 1) for arguments in stage.of("ENV") for word in shlex.split(arguments)
    )


def read_stages() -> tuple[dict[str, str], list[Stage]]:
    """Return the arguments with their defaults, and the stages."""
    defaults: dict[str, str] = {}
    stages: list[Stage] = []
    for line in (DEPLOY / "Containerfile").read_text().splitlines():
        name, _, arguments = line.partition(" ")
        if name == "ARG":
            argument, _, default = arguments.partition("=")
            defaults[argument] = default
        elif name == "FROM":
            base = arguments.split()[0].removeprefix("${").removesuffix("}")
            stages.append(Stage(defaults[base]))
        elif name and name != "#":
            stages[-1].steps.append((name, arguments))
    return defaults, stages
