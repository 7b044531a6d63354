"""The lines of the service's log."""

import json
import subprocess
import sys
from datetime import datetime

LOGGING = """
import logging
from donate.web.logs_and_metrics import configure_logging
configure_logging("INFO")
log = logging.getLogger("donate.example")
log.warning("said: %s", '\\n{"level": "INFO"}\\r\\n\\x1b[2J\\u2028"')
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""


def test_whatever_is_logged_is_one_line_of_json() -> None:
    """A line has time with zone, level, logger and message, and no message begins another line."""
    run = subprocess.run(
        [sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True, timeout=60
    )
    said, failed = [json.loads(line) for line in run.stderr.removesuffix("\n").split("\n")]
    assert said["message"] == 'said: \n{"level": "INFO"}\r\n\x1b[2J\u2028"'
    assert (said["level"], said["logger"]) == ("WARNING", "donate.example")
    assert datetime.strptime(said["time"], "%Y-%m-%dT%H:%M:%S%z").tzinfo
    assert "ZeroDivisionError" in failed["error"]
    assert "\x1b" not in run.stderr
