"""Reads the forms that pages send."""

import re
from typing import Final

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

_UTF8: Final = re.compile(r';\s*charset="?utf-?8"?\s*(;|$)')


def is_in_utf8(request: Request) -> bool:
    """Whether a form is sent in UTF-8, as browsers send our forms.

    Other charsets are refused, because Python can decode about a hundred of them, and takes
    quadratic time for some.
    """
    content_type = request.headers.get("content-type", "").lower()
    charsets = content_type.count("charset")
    return charsets == 0 or (charsets == 1 and bool(_UTF8.search(content_type)))


def typed_texts(form: FormData) -> dict[str, str]:
    """Return the text fields of a form.

    Lone surrogates become "?", and NUL becomes the control character U+0001, because hashing,
    rendering or storing them would fail. Checks of texts refuse that control character too.
    """
    return {
        name: value.encode("utf-8", "replace").decode().replace("\x00", "\x01")
        for name, value in form.items()
        if isinstance(value, str)
    }


def uploaded_files(form: FormData) -> list[UploadFile]:
    """Return the uploaded files of a form, without file fields that were left empty."""
    files = (value for _, value in form.multi_items() if isinstance(value, UploadFile))
    return [file for file in files if file.filename]


async def read_sent_form(request: Request) -> FormData:
    """Read the form of a request. The caller closes the request, which also closes its files.

    The attributes `max_files` and `max_fields` of the route's function limit the form. Raises
    HTTPException if the form exceeds a limit or cannot be read.
    """
    if request.method != "POST":
        return FormData()
    if not is_in_utf8(request):
        raise HTTPException(400)
    endpoint = request.scope["endpoint"]
    max_files = getattr(endpoint, "max_files", 0)
    if max_files and not request.cookies:
        return FormData()  # nobody is signed in, so do not read the uploaded files
    return await request.form(max_files=max_files, max_fields=getattr(endpoint, "max_fields", 0))
