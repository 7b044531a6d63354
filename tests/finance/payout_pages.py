"""Reads the tables and texts of the payouts' pages."""

import html
import re


def text_of(page: str) -> str:
    """Return what a page says, without its tags, each space once."""
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page)).split())


def rows_of(page: str, caption: str) -> list[list[str]]:
    """Return the cells of each row of the table with this caption."""
    body = page.partition(f">{caption}</caption>")[2].partition("<tbody>")[2]
    rows = body.partition("</tbody>")[0].split("</tr>")[:-1]
    cell = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.DOTALL)
    return [[text_of(each) for each in cell.findall(row)] for row in rows]
