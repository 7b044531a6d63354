"""Draws docs/pictures/architecture.svg, the layers of donate/ that pyproject.toml defines.

    python -m scripts.architecture

Each box (a `Card` in the code) is a folder or file, with the first line of its docstring and its
subfolders.
"""

import ast
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURE: Final = ROOT / "docs/pictures/architecture.svg"

# Sizes in pixels.
WIDTH: Final = 960
MARGIN: Final = 20
GAP: Final = 10
PADDING: Final = 12
HEAD_HEIGHT: Final = 50
TITLE_WIDTH: Final = 160
LINE_HEIGHT: Final = 19
BASELINE: Final = PADDING + 12
# This is wider than an average character of the fonts, so that wrapped lines fit into their box.
CHARACTER_WIDTH: Final = 7.8

HEAD: Final = "A folder may import from the rows below it, never from its own row or above."

STYLE: Final = """
    text { font: 14px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
    .name { font-weight: 700; font-size: 15px; }
    .folders { font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
    .paper { fill: #faf7ef; }
    .folder { fill: #ffffff; stroke: #1f5c4c; stroke-width: 1.5; }
    .file { fill: none; stroke: #a99c86; }
    text { fill: #2b211b; }
    .name { fill: #1f5c4c; }
    .folders { fill: #6a5c4f; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #171b1a; }
      .folder { fill: #212826; stroke: #74c4ab; }
      .file { stroke: #6d7773; }
      text { fill: #ece7dd; }
      .name { fill: #8fd8c1; }
      .folders { fill: #b5ada0; }
    }
"""


@dataclass(frozen=True, slots=True)
class Card:
    """A box of the picture: a folder or file of donate/. `folders` are its subfolders."""

    name: str
    sentence: str
    folders: tuple[str, ...]
    is_folder: bool

    def title(self) -> str:
        """Return the name of the folder or file, as on disk."""
        return f"{self.name}/" if self.is_folder else f"{self.name}.py"

    def lines(self, width: float) -> list[tuple[str, str]]:
        """Return the lines of text after the title, each with its CSS class."""
        characters = int(width / CHARACTER_WIDTH)
        folders = " ".join(f"{folder}/" for folder in self.folders)
        return [
            *(("", line) for line in textwrap.wrap(self.sentence, characters)),
            *(("folders", line) for line in textwrap.wrap(folders, characters)),
        ]


def read_floors() -> list[list[Card]]:
    """Return the layers from pyproject.toml, top first, and the boxes in each layer."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["id"] == "floors")
    return [[_read_card(name.strip()) for name in layer.split("|")] for layer in layers]


def _read_card(name: str) -> Card:
    folder = ROOT / "donate" / name
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    inner = sorted(path.parent.name for path in folder.glob("*/__init__.py"))
    sentence = docstring.partition("\n")[0].replace("`", "")
    return Card(name, sentence, tuple(inner), folder.is_dir())


def draw(floors: list[list[Card]]) -> str:
    """Return the picture as SVG text."""
    shapes: list[str] = []
    top = HEAD_HEIGHT
    for cards in floors:
        width = (WIDTH - 2 * MARGIN - GAP * (len(cards) - 1)) // len(cards)
        # A box as wide as the picture has its title beside its lines of text. Other boxes have the
        # title above the lines.
        aside, above = (TITLE_WIDTH, 0) if len(cards) == 1 else (0, 1)
        texts = [card.lines(width - 2 * PADDING - aside) for card in cards]
        height = 2 * PADDING + LINE_HEIGHT * (above + max(map(len, texts))) - 5
        for column, (card, lines) in enumerate(zip(cards, texts, strict=True)):
            left = MARGIN + column * (width + GAP)
            box = f'x="{left}" y="{top}" width="{width}" height="{height}"'
            shapes.append(f'<rect class="{"folder" if card.is_folder else "file"}" {box} rx="8"/>')
            shapes.append(_text("name", left + PADDING, top + BASELINE, card.title()))
            for number, (style, line) in enumerate(lines, start=above):
                y = top + BASELINE + number * LINE_HEIGHT
                shapes.append(_text(style, left + PADDING + aside, y, line))
        top += height + GAP
    size = f'viewBox="0 0 {WIDTH} {top + MARGIN - GAP}" width="{WIDTH}"'
    label = 'role="img" aria-label="The folders of donate/ and their order"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>',
            f"<style>{STYLE}</style>",
            '<rect class="paper" width="100%" height="100%" rx="10"/>',
            _text("", MARGIN, 32, HEAD),
            *shapes,
            "</svg>\n",
        ]
    )


def _text(style: str, x: int, y: int, line: str) -> str:
    kind = f'class="{style}" ' if style else ""
    return f'<text {kind}x="{x}" y="{y}">{escape(line)}</text>'


def main() -> None:
    PICTURE.write_text(draw(read_floors()), encoding="utf-8")


if __name__ == "__main__":
    main()
