"""Cookies of a browser that is signed in to the EHR, in the form browsers' add-ons and curl write.

https://curl.se/docs/http-cookies.html#cookie-file-format: seven columns with tabs between them, `#HttpOnly_` before
the domain of what scripts may not read, any other `#` a comment.
"""

import time
from pathlib import Path
from typing import Final

from loadtest.browser import CookieJar

HTTP_ONLY: Final = "#HttpOnly_"
COLUMNS: Final = 7


class CookiesRefused(Exception):
    """The file holds no cookies to go with; the message says the line, and no cookie."""


def read_cookies(file: Path) -> CookieJar:
    """Those that have not expired. Raises: CookiesRefused."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as err:
        raise CookiesRefused(f"cannot be read: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise CookiesRefused("is not UTF-8") from err
    jar, now, kept = CookieJar(), time.time(), 0
    for number, line in enumerate(lines, 1):
        told = line.removeprefix(HTTP_ONLY)
        if not told.strip() or told.startswith("#"):
            continue
        cells = told.split("\t")
        if len(cells) != COLUMNS or not cells[4].isdecimal():
            raise CookiesRefused(f"line {number} is no cookie: seven columns with tabs are needed")
        domain, below, _path, _secure, expires, name, content = cells
        if int(expires) == 0 or int(expires) > now:
            jar.put(domain, name, content, below=below.upper() == "TRUE")
            kept += 1
    if not kept:
        raise CookiesRefused("holds no cookie that is still good")
    return jar
