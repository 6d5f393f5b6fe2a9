"""Validates JUnit reports: see scripts/junit.

    junit.py LINKWRIGHT SCHEMA

Runs the command of each folder in examples/refusals with `--format junit`. Every report must be valid, and
say `failure` or `error` exactly when the exit status is not 0.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import xmlschema

from peers import check, total

LINKWRIGHT = Path(sys.argv[1]).resolve()
SCHEMA = xmlschema.XMLSchema(sys.argv[2])
GALLERY = Path(__file__).resolve().parent.parent / "examples" / "refusals"
FEWEST = 25


def reported(command, folder, tools):
    """The report of a command that calls `linkwright`, and its exit status."""
    path = "%s:%s" % (tools, os.environ["PATH"])
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=dict(os.environ, PATH=path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=120,
    )
    return done.stdout, done.returncode


def main():
    commands = sorted(GALLERY.glob("*/command"))
    with tempfile.TemporaryDirectory(prefix="junit-") as tools:
        tool = Path(tools, "linkwright")
        tool.write_text('#!/bin/sh\nexec "%s" "$@" --format junit\n' % LINKWRIGHT)
        tool.chmod(0o755)
        cases = [(path.parent.name, path.read_text(), path.parent) for path in commands]
        verify = "linkwright verify --layout root.layout --key owner.pub --now "
        # Stays whole but for its time.
        expired = GALLERY / "layout-has-expired"
        cases.append(("a chain that passes", verify + "2026-01-01T00:00:00Z", expired))
        passed = 0
        for name, command, folder in cases:
            report, status = reported(command, folder, tools)
            try:
                wrong = [error.reason for error in SCHEMA.iter_errors(report.decode())]
            except (ElementTree.ParseError, UnicodeDecodeError) as error:
                wrong = [str(error)]
            check("%s: the report is valid" % name, not wrong, "\n".join(map(str, wrong)))
            bad = b"<failure" in report or b"<error" in report
            check("%s: it says what the exit status says" % name, bad == (status != 0), str(status))
            passed += status == 0
    check("enough chains, and one that passes", len(commands) >= FEWEST and passed >= 1, str(passed))
    return total()


if __name__ == "__main__":
    sys.exit(main())
