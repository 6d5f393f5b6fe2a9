"""What the scripts share that run linkwright beside other tools: commands, and checks that are counted."""

import subprocess

COUNTS = {"ok": 0, "FAILED": 0}
SHOWN_LINES = 15


def check(name, good, detail=""):
    """Counts and prints one check. A check that could not be made is a failed one.

    The detail of a failed one is text, or a command that ran.
    """
    word = "ok" if good else "FAILED"
    COUNTS[word] += 1
    print(word, name, flush=True)
    if not good and detail:
        text = describe(detail) if isinstance(detail, subprocess.CompletedProcess) else str(detail)
        print("    " + "\n    ".join(text.strip().splitlines()[-SHOWN_LINES:]), flush=True)


def total():
    """Prints how the checks went, and gives the exit status: 0 when there were some and all passed."""
    print("\n%d passed, %d failed" % (COUNTS["ok"], COUNTS["FAILED"]), flush=True)
    return 1 if COUNTS["FAILED"] or not COUNTS["ok"] else 0


def run(*words, cwd):
    """Runs a command to its end, with nothing on its standard input."""
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=600,
    )


def must(*words, cwd):
    """Runs a command that has to succeed for what comes after it to mean anything."""
    done = run(*words, cwd=cwd)
    if done.returncode != 0:
        raise RuntimeError(describe(done))
    return done


def describe(done):
    return "exit status %d of: %s\n%s" % (done.returncode, " ".join(done.args), done.stdout)
