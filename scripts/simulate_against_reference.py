"""Holds `layout simulate` against in-toto 3.1.0: see scripts/simulate-against-reference.

    simulate_against_reference.py LINKWRIGHT SAMPLE

Makes the chain of the reference's demo with real commands (clone, update-version, package, and an
inspection that unpacks), and a larger one, simulates tampering with them, has the tampered evidence
written to the disk, and verifies all of it with the reference, by its library in this one process: the
same function that `in-toto-verify` calls. A few are also given to the command itself.
"""

import contextlib
import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from in_toto.exceptions import Error as Refused
from in_toto.models._signer import load_public_key_from_file
from in_toto.models.metadata import Metadata
from in_toto.verifylib import in_toto_verify
from securesystemslib.exceptions import Error as Unreadable

from peers import must

LINKWRIGHT = Path(sys.argv[1]).resolve()
SAMPLE = int(sys.argv[2])
REFERENCE = Path(sys.executable).parent
BY_COMMAND = 10
FEWEST_HOLES = 5

# How the reference says no. Whatever else it raises is a failure of this script.
REFUSALS = (Refused, Unreadable, json.JSONDecodeError)

# What the reference lets through by design or mistake, and we refuse: the name in a link is not looked
# at, so that a link of another step of the same functionary counts.
KNOWN = ("the same functionary's link of ",)


def generate_keys(folder, *names):
    """Key pairs in the folder `keys`, and what layouts say of them."""
    keys = folder / "keys"
    keys.mkdir()
    for name in names:
        must(LINKWRIGHT, "key", "generate", keys / name, cwd=folder)
    return {name: load_public_key_from_file(str(keys / (name + ".pub"))) for name in names}


def step(name, keys, command, materials, products, threshold=1):
    return {
        "_type": "step",
        "name": name,
        "pubkeys": [key["keyid"] for key in keys],
        "threshold": threshold,
        "expected_command": command.split(),
        "expected_materials": [rule.split() for rule in materials],
        "expected_products": [rule.split() for rule in products],
    }


def sign_layout(folder, keys, steps, inspect):
    """A layout that `owner` signed, with the other keys in it."""
    layout = {
        "_type": "layout",
        "expires": "2060-01-01T00:00:00Z",
        "readme": "",
        "keys": {key["keyid"]: key for name, key in keys.items() if name != "owner"},
        "steps": steps,
        "inspect": inspect,
    }
    unsigned = folder / "unsigned.json"
    unsigned.write_text(json.dumps({"signatures": [], "signed": layout}, indent=1, sort_keys=True))
    must(
        LINKWRIGHT, "sign", unsigned, "--signing-key", folder / "keys" / "owner",
        "--output", folder / "root.layout", cwd=folder,
    )  # fmt: skip


def run(folder, name, key, materials, products, *command):
    """One step, with our wrapper."""
    words = [LINKWRIGHT, "run", "--step-name", name, "--signing-key", folder / "keys" / key]
    words += ["--metadata-directory", folder / "links"]
    words += ["--materials", *materials] if materials else []
    words += ["--products", *products] if products else []
    must(*words, "--", *command, cwd=folder)


def repository(folder, files):
    upstream = folder / "upstream"
    for name, content in files.items():
        (upstream / name).parent.mkdir(parents=True, exist_ok=True)
        (upstream / name).write_text(content)
    author = ["-c", "user.name=bob", "-c", "user.email=bob@example.org"]
    must("git", "init", "--quiet", cwd=upstream)
    must("git", "add", ".", cwd=upstream)
    must("git", *author, "commit", "--quiet", "--message", "first", cwd=upstream)
    (folder / "links").mkdir()


def demo(folder):
    """The demo of the reference: Bob clones and updates, Carl packs."""
    keys = generate_keys(folder, "owner", "bob", "carl")
    steps = [
        step(
            "clone", [keys["bob"]], "git clone upstream demo-project", [],
            ["CREATE demo-project/foo.py", "DISALLOW *"],
        ),
        step(
            "update-version", [keys["bob"]], "",
            ["MATCH demo-project/* WITH PRODUCTS FROM clone", "DISALLOW *"],
            ["MODIFY demo-project/foo.py", "DISALLOW *"],
        ),
        step(
            "package", [keys["carl"]], "tar -zcf demo-project.tar.gz demo-project",
            ["MATCH demo-project/* WITH PRODUCTS FROM update-version", "DISALLOW *"],
            ["CREATE demo-project.tar.gz", "DISALLOW *"],
        ),
    ]  # fmt: skip
    untar = {
        "_type": "inspection",
        "name": "untar",
        "run": ["tar", "xzf", "demo-project.tar.gz"],
        "expected_materials": [
            "MATCH demo-project.tar.gz WITH PRODUCTS FROM package".split(),
            "DISALLOW *".split(),
        ],
        "expected_products": [
            "MATCH demo-project/foo.py WITH PRODUCTS FROM update-version".split(),
            "ALLOW demo-project.tar.gz".split(),
            "DISALLOW *".split(),
        ],
    }
    sign_layout(folder, keys, steps, [untar])
    repository(folder, {"foo.py": "VERSION = 'foo-v1'\n"})
    project = ["demo-project"]
    clone = ("git", "clone", "upstream", "demo-project")
    run(folder, "clone", "bob", [], project, *clone)
    update = ("sed", "-i", "s/v1/v2/", "demo-project/foo.py")
    run(folder, "update-version", "bob", project, project, *update)
    package = ("tar", "-zcf", "demo-project.tar.gz", "demo-project")
    run(folder, "package", "carl", project, ["demo-project.tar.gz"], *package)


def release(folder):
    """More of everything: many files, copies in another folder, two builders who must agree, and one
    more than is needed."""
    keys = generate_keys(folder, "owner", "bob", "carl", "dave", "erin")
    builders = [keys[name] for name in ("carl", "dave", "erin")]
    steps = [
        step(
            "clone", [keys["bob"]], "git clone upstream project", [],
            ["CREATE project/*", "DISALLOW *"],
        ),
        step(
            "test", builders, "", ["ALLOW project/*.txt", "MATCH * WITH PRODUCTS FROM clone"],
            ["CREATE results/*", "ALLOW project/*"],
        ),
        step(
            "build", builders, "sh project/build.sh",
            ["MATCH project/* WITH PRODUCTS FROM clone", "DISALLOW *"],
            [
                "CREATE out/app", "MATCH project/* WITH MATERIALS FROM build", "DISALLOW *",
            ],
            threshold=2,
        ),
        step(
            "package", [keys["erin"]], "",
            [
                "MATCH app IN stage WITH PRODUCTS IN out FROM build",
                "MATCH doc/* IN stage WITH PRODUCTS IN project FROM clone", "DISALLOW *",
            ],
            ["CREATE app.tar", "DISALLOW *"],
        ),
    ]  # fmt: skip
    sign_layout(folder, keys, steps, [])
    files = {"src/part%02d.c" % at: "int part%d;\n" % at for at in range(12)}
    files.update({"doc/%s.md" % name: name + "\n" for name in ("install", "use")})
    files["notes.txt"] = "not yet\n"
    files["build.sh"] = "mkdir -p out && cat project/src/*.c >out/app\n"
    repository(folder, files)
    project, both = ["project"], ["project", "out"]
    run(folder, "clone", "bob", [], project, "git", "clone", "upstream", "project")
    test = "mkdir -p results && ls project/src >results/parts"
    run(folder, "test", "carl", project, ["project", "results"], "sh", "-c", test)
    for builder in ("carl", "dave", "erin"):
        must("rm", "-rf", "out", cwd=folder)
        run(folder, "build", builder, project, both, "sh", "project/build.sh")
    must("sh", "-c", "mkdir stage && cp out/app stage && cp -r project/doc stage", cwd=folder)
    run(folder, "package", "erin", ["stage"], ["app.tar"], "tar", "-cf", "app.tar", "stage")


def by_library(layout, key, folder):
    """Whether the reference accepts, as `in-toto-verify` asks it."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            in_toto_verify(layout, {key["keyid"]: key}, link_dir_path=str(folder))
        return True
    except REFUSALS:
        return False
    finally:
        os.chdir(before)


def by_command(written, folder):
    done = subprocess.run(
        [
            REFERENCE / "in-toto-verify", "--layout", written / "root.layout",
            "--verification-keys", written / "owner.pub", "--link-dir", folder,
        ],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
    )  # fmt: skip
    return done.returncode == 0


def evenly(items, count):
    return [items[at * len(items) // count] for at in range(min(count, len(items)))]


def compare(chain):
    """Simulates on a chain, and gives what differs, how many holes passed, and how many samples were
    refused by both."""
    print("\n== %s\n" % chain.__name__, flush=True)
    wrong, passed, refused, known = [], 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="simulate-") as name:
        folder = Path(name)
        chain(folder)
        written = folder / "written"
        said = must(
            LINKWRIGHT, "layout", "simulate", "root.layout", "--key", "keys/owner.pub",
            "--links", "links", "--write", written, "--sample", SAMPLE, cwd=folder,
        ).stdout  # fmt: skip
        print(said)
        index = json.loads((written / "index.json").read_text())
        layout = Metadata.load(str(written / "root.layout"))
        key = load_public_key_from_file(str(written / "owner.pub"))
        for entry in index:
            accepted = by_library(layout, key, written / entry["folder"])
            if accepted != (entry["verdict"] == "passes"):
                if accepted and entry["tampering"].startswith(KNOWN):
                    known += 1
                    print("known: the reference accepts that %(tampering)s" % entry)
                else:
                    wrong.append("%(folder)s: %(tampering)s" % entry)
            elif accepted:
                passed += 1
            else:
                refused += 1
        for entry in evenly(index, BY_COMMAND):
            accepted = by_command(written, written / entry["folder"])
            if accepted != by_library(layout, key, written / entry["folder"]):
                wrong.append("%(folder)s: in-toto-verify differs from its library" % entry)
    print(
        "%s: %d holes pass in-toto 3.1.0 as well, %d samples are refused by both, %d known "
        "differences, %d failures" % (chain.__name__, passed, refused, known, len(wrong))
    )
    for what in wrong:
        print("FAILED " + what)
    return wrong, passed, refused


def main():
    logging.disable(logging.CRITICAL)
    failed, refused = False, 0
    for chain in (demo, release):
        wrong, passed, refusals = compare(chain)
        failed |= bool(wrong) or passed < FEWEST_HOLES
        refused += refusals
    if refused < SAMPLE:
        print("FAILED only %d samples of refused tamperings, expected %d" % (refused, SAMPLE))
        failed = True
    print("\nsimulate-against-reference: %s" % ("FAILED" if failed else "OK"))
    sys.exit(1 if failed else 0)


main()
