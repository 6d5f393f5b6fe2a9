"""Records real builds and has a layout written from the links of each.

    from_links.py LINKWRIGHT [CHAINS]

Runs in the venv that `scripts/from-links` makes. Each build is done twice, the second time with other
sources and another version. From the links of the first a tight and a general layout are written. Both
must accept the links they were written from, by linkwright and by in-toto-verify, and refuse them when
a product was changed behind the back of a step. Whether they accept the second build is shown: that is
the difference between the two.

CHAINS is what `scripts/templates --keep CHAINS` leaves: the layouts of the templates, which were written
by hand, and the links of real builds. A layout is written from the links of each, and tampering with
them simulated under both layouts. The one from the links must refuse no smaller share.

Each part ends with a table; the exit status is 0 when all that must hold did.
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from peers import describe, must, run

LINKWRIGHT = Path(sys.argv[1]).resolve()
CHAINS = Path(sys.argv[2]).resolve() if sys.argv[2:] else None
REFERENCE = Path(sys.executable).parent / "in-toto-verify"
PYTHON = Path(sys.executable)

FEWEST_CHAINS = 10

failures = []


def files(folder, content):
    """Writes files, by their path below a folder."""
    for name, text in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Build:
    """One build: a folder it is done in, its links, and who does its steps."""

    def __init__(self, top, keys, version):
        self.top, self.keys, self.version = top, keys, version
        self.work, self.links = top / "work", top / "links"
        self.work.mkdir(parents=True)
        self.links.mkdir()

    def step(self, name, by, *command, materials=(".",), products=(".",)):
        """Runs one step under linkwright, and records the whole folder unless told otherwise."""
        words = [LINKWRIGHT, "--quiet", "run", "-n", name, "--signing-key", self.keys / by]
        words += ["--metadata-directory", self.links]
        for option, paths in (("-m", materials), ("-p", products)):
            if paths:
                words += [option, *paths]
        must(*words, "--", *command, cwd=self.work)


C_SOURCES = {
    "src/hello.c": '#include "hello.h"\nint main(void) { return greet(); }\n',
    "src/greet.c": '#include <stdio.h>\n#include "hello.h"\nint greet(void) { puts(VERSION); return 0; }\n',
    "src/hello.h": "int greet(void);\n",
    "Makefile": "hello: src/hello.o src/greet.o\n\tcc -o hello src/hello.o src/greet.o\n"
    "src/%.o: src/%.c src/hello.h\n\tcc -DVERSION='\"$(shell cat VERSION)\"' -c -o $@ $<\n"
    "check: hello\n\t./hello > check.log\n"
    "install: hello\n\tmkdir -p $(DESTDIR)/usr/bin $(DESTDIR)/usr/share/doc\n"
    "\tcp hello $(DESTDIR)/usr/bin/hello\n\tcp README $(DESTDIR)/usr/share/doc/README\n",
    "README": "hello\n",
}


def sources(build, content):
    """The first step of most builds: the sources come from a repository."""
    origin = build.top / "origin"
    files(origin, {**content, "VERSION": build.version + "\n"})
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", origin]
    must("git", "init", "--quiet", origin, cwd=build.top)
    must(*git, "add", ".", cwd=build.top)
    must(*git, "commit", "--quiet", "-m", build.version, cwd=build.top)
    must(*git, "tag", "v" + build.version, cwd=build.top)
    build.step(
        "clone", "alice", "git", "clone", "--quiet", "../origin", ".", materials=()
    )


def make(build):
    sources(build, C_SOURCES)
    build.step("build", "bob", "make")
    build.step("test", "carol", "make", "check")


def c_project(build):
    sources(build, C_SOURCES)
    build.step("configure", "bob", "sh", "-c", "echo CFLAGS=-O2 > config.mk")
    build.step("build", "bob", "make")
    build.step("test", "carol", "make", "check")
    build.step("install", "bob", "make", "install", "DESTDIR=stage")
    archive = "hello-%s.tar.gz" % build.version
    build.step(
        "package", "alice", "tar", "czf", archive, "-C", "stage", "usr",
        materials=("stage",), products=(archive,),
    )  # fmt: skip


def cargo(build):
    manifest = '[package]\nname = "hello"\nversion = "%s"\nedition = "2021"\n' % build.version
    lock = 'version = 3\n\n[[package]]\nname = "hello"\nversion = "%s"\n' % build.version
    code = 'fn main() {\n    println!("%s");\n}\n' % build.version
    sources(build, {"Cargo.toml": manifest, "Cargo.lock": lock, "src/main.rs": code})
    build.step("test", "carol", "cargo", "test", "--quiet", "--offline")
    build.step("build", "bob", "cargo", "build", "--quiet", "--release", "--offline")
    build.step(
        "release", "alice", "install", "-D", "target/release/hello", "dist/hello",
        materials=("target/release/hello",), products=("dist",),
    )  # fmt: skip


def npm(build):
    package = {"name": "hello", "version": build.version, "main": "index.js", "files": ["lib"]}
    sources(
        build,
        {
            "package.json": json.dumps(package),
            "index.js": "module.exports = require('./lib/hello')\n",
            "lib/hello.js": "module.exports = '%s'\n" % build.version,
        },
    )
    build.step("test", "carol", "node", "-e", "require('./index.js')")
    build.step("pack", "bob", "npm", "pack", "--silent")


PYTHON_SOURCES = {
    "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    '[project]\nname = "hello"\ndynamic = ["version"]\n[tool.setuptools]\npackages = ["hello"]\n'
    '[tool.setuptools.dynamic]\nversion = {file = "VERSION"}\n',
    "hello/__init__.py": "from .greet import greet\n",
    "hello/greet.py": "def greet():\n    return 'hello'\n",
    "README.md": "# hello\n",
}


def wheel(build):
    sources(build, PYTHON_SOURCES)
    build.step("test", "carol", PYTHON, "-B", "-c", "import hello; hello.greet()")
    build.step(
        "wheel", "bob", PYTHON, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet",
        "--no-deps", "--no-build-isolation", "-w", "dist", ".",
    )  # fmt: skip


def sdist(build):
    sources(build, PYTHON_SOURCES)
    code = "import setuptools.build_meta as build; build.build_sdist('dist')"
    build.step("sdist", "bob", PYTHON, "-B", "-c", code)


def tarball(build):
    name = "hello-" + build.version
    sources(build, C_SOURCES)
    build.step(
        "pack", "alice", "git", "archive", "--prefix", name + "/", "-o", name + ".tar.gz", "HEAD",
        products=(name + ".tar.gz",),
    )  # fmt: skip
    build.step(
        "unpack", "bob", "tar", "xzf", name + ".tar.gz",
        materials=(name + ".tar.gz",), products=(name + ".tar.gz", name),
    )  # fmt: skip
    build.step("build", "bob", "make", "-C", name, materials=(name,), products=(name,))


def container(build):
    sources(build, {**C_SOURCES, "Containerfile": 'FROM scratch\nCOPY hello /hello\nCMD ["/hello"]\n'})
    build.step("build", "bob", "make")
    storage = ["--storage-driver", "vfs", "--root", build.top / "root", "--runroot", build.top / "run"]
    build.step(
        "image", "carol", "buildah", *storage, "build", "--quiet", "--isolation", "chroot",
        "--tag", "oci:image:" + build.version, ".",
        materials=("hello", "Containerfile"), products=("image",),
    )  # fmt: skip


def clone(build):
    sources(build, C_SOURCES)
    build.step("checkout", "bob", "git", "checkout", "--quiet", "v" + build.version)
    build.step("scan", "carol", "grep", "-rq", "main", "src", products=())


def kustomize(build):
    sources(
        build,
        {
            "base/kustomization.yaml": "resources: [deployment.yaml]\n",
            "base/deployment.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hello}\n",
            "live/kustomization.yaml": "resources: [../base]\nnamePrefix: live-\n"
            "commonAnnotations: {version: '%s'}\n" % build.version,
        },
    )
    build.step("render", "bob", "kubectl", "kustomize", "live", "-o", "manifest.yaml")
    build.step(
        "approve", "carol", "grep", "-q", "live-hello", "manifest.yaml",
        materials=("manifest.yaml",), products=("manifest.yaml",),
    )  # fmt: skip
    build.step(
        "approve", "alice", "grep", "-q", "live-hello", "manifest.yaml",
        materials=("manifest.yaml",), products=("manifest.yaml",),
    )  # fmt: skip


BUILDS = [
    ("make", make, "make"),
    ("cargo", cargo, "cargo"),
    ("npm pack", npm, "npm"),
    ("wheel", wheel, "python3"),
    ("tarball", tarball, "tar"),
    ("container image", container, "buildah"),
    ("git clone", clone, "git"),
    ("kustomize", kustomize, "kubectl"),
    ("sdist", sdist, "python3"),
    ("C project", c_project, "make"),
]


def verifiers(keys, layout, links):
    """The exit statuses of linkwright and of the reference."""
    ours = run(
        LINKWRIGHT, "--quiet", "verify", "-l", layout, "--key", keys / "owner.pub", "-d", links, cwd=keys
    )
    theirs = run(
        REFERENCE, "-l", layout, "--verification-keys", keys / "owner.pub", "--link-dir", links, cwd=keys
    )
    return ours, theirs


def tampered(build, keys):
    """The links of a build, but the product that one step handed to the next was another one."""
    links = build.top / "tampered"
    shutil.copytree(build.links, links)
    for path in sorted(links.glob("clone.*.link")):
        document = json.loads(path.read_text())
        products = document["signed"]["products"]
        # What the next steps took as well.
        name = sorted(products)[-1]
        products[name]["sha256"] = "0" * 64
        path.write_text(json.dumps(document))
        must(LINKWRIGHT, "--quiet", "sign", "-f", path, "--signing-key", keys / "alice", "-o", path, cwd=links)
    return links


def count_rules(payload):
    lists = [step["expected_" + side] for step in payload["steps"] for side in ("materials", "products")]
    return sum(map(len, lists))


def expect(name, good, done):
    if not good:
        failures.append(name)
        print("FAILED %s: %s" % (name, describe(done)))


def from_links(name, top, build, again, keys):
    """Writes both layouts and tries them; gives the row of the table."""
    publics = [keys / (who + ".pub") for who in ("alice", "bob", "carol")]
    row = {"build": name, "steps": 0, "artifacts": 0}
    for path in build.links.glob("*.link"):
        link = json.loads(path.read_text())["signed"]
        row["steps"] += 1
        row["artifacts"] += len(link["materials"]) + len(link["products"])
    changed = tampered(build, keys)
    for breadth in ("tight", "general"):
        text, layout = top / (breadth + ".layout.toml"), top / (breadth + ".layout")
        written = [LINKWRIGHT, "--quiet", "layout", "from-links", build.links, "--" + breadth]
        must(*written, "-o", text, "--key", *publics, cwd=top)
        sign = [LINKWRIGHT, "--quiet", "layout", "sign", text, "--signing-key", keys / "owner"]
        must(*sign, "-o", layout, cwd=top)
        payload = json.loads(layout.read_text())["signed"]
        row[breadth] = count_rules(payload)
        for who, done in zip(("linkwright", "reference"), verifiers(keys, layout, build.links)):
            expect("%s, %s: %s accepts" % (name, breadth, who), done.returncode == 0, done)
            row[breadth + " " + who] = done.returncode == 0
        for who, done in zip(("linkwright", "reference"), verifiers(keys, layout, changed)):
            expect("%s, %s: %s refuses" % (name, breadth, who), done.returncode == 1, done)
        ours, theirs = verifiers(keys, layout, again.links)
        same = (ours.returncode == 0) == (theirs.returncode == 0)
        expect("%s, %s: both say the same of the next version" % (name, breadth), same, ours)
        row[breadth + " again"] = ours.returncode == 0
    return row


def table(rows):
    word = {True: "yes", False: "no"}
    print("\n%-16s %5s %9s | %5s %10s %9s %5s | %7s %10s %9s %5s" % (
        "build", "links", "artifacts", "tight", "linkwright", "reference", "next",
        "general", "linkwright", "reference", "next",
    ))  # fmt: skip
    for row in rows:
        print("%-16s %5d %9d | %5d %10s %9s %5s | %7d %10s %9s %5s" % (
            row["build"], row["steps"], row["artifacts"],
            row["tight"], word[row["tight linkwright"]], word[row["tight reference"]],
            word[row["tight again"]],
            row["general"], word[row["general linkwright"]], word[row["general reference"]],
            word[row["general again"]],
        ))  # fmt: skip
    print("\ntight, general: rules in the layout; linkwright, reference: accepts the links it was written")
    print("from; next: accepts the next version, with other sources, as well")


def accepts(name, layout, key, links, delivery):
    """Checks that both accept links, in the folder of what is delivered."""
    ours = run(
        LINKWRIGHT, "--quiet", "verify", "-l", layout, "--key", key, "-d", links, cwd=delivery
    )
    theirs = run(
        REFERENCE, "-l", layout, "--verification-keys", key, "--link-dir", links, cwd=delivery
    )
    for who, done in (("linkwright", ours), ("reference", theirs)):
        expect("%s: %s accepts" % (name, who), done.returncode == 0, done)


def simulated(layout, key, links):
    """What `layout simulate` says, as JSON."""
    done = must(
        LINKWRIGHT, "--quiet", "layout", "simulate", layout, "--key", key, "--links", links,
        "--format", "json", cwd=links,
    )  # fmt: skip
    return json.loads(done.stdout)


def compare(chain, keys):
    """Gives the row of the table of one build with a layout that was written by hand."""
    name, links = chain.name, chain / "links"
    publics = sorted((chain / "keys").glob("*.pub"))
    row = {"build": name}
    for breadth in ("tight", "general"):
        text, layout = chain / (breadth + ".layout.toml"), chain / (breadth + ".layout")
        must(
            LINKWRIGHT, "--quiet", "layout", "from-links", links, "--" + breadth, "-o", text,
            "--key", *publics, cwd=chain,
        )  # fmt: skip
        must(
            LINKWRIGHT, "--quiet", "layout", "sign", text, "--signing-key", keys / "owner",
            "-o", layout, cwd=chain,
        )  # fmt: skip
        accepts("%s, %s" % (name, breadth), layout, keys / "owner.pub", links, chain / "delivery")
        row[breadth] = simulated(layout, keys / "owner.pub", links)
    row["by hand"] = simulated(chain / "root.layout", chain / "keys" / "owner.pub", links)
    return row


def share(kind):
    """How much of a kind of tampering is refused, in percent."""
    if not kind["tried"]:
        raise RuntimeError("nothing was tried, which shows nothing")
    return 100 * kind["refused"] / kind["tried"]


def compared(rows):
    """The table, and the checks on it."""
    print("\n%-24s | %-23s | %-23s" % ("refused of tamperings", "that need no key", "with one key"))
    ways = ("by hand", "tight", "general")
    print("%-24s | %7s %7s %7s | %7s %7s %7s" % ("build", *ways, *ways))
    for row in rows:
        shares = [share(row[way]["overall"]) for way in ways]
        alone = [share(row[way]["kinds"]["one-key"]) for way in ways]
        print("%-24s | %6.1f%% %6.1f%% %6.1f%% | %6.1f%% %6.1f%% %6.1f%%" % (row["build"], *shares, *alone))
        for attacker, figures in (("without a key", shares), ("with one key", alone)):
            by_hand, tight = figures[:2]
            if tight < by_hand:
                failures.append(row["build"])
                print("FAILED %s, %s: the layout from its links refuses less" % (row["build"], attacker))
    print("\nby hand: the template's layout; tight, general: from the links of the same build")


def main():
    top = Path(tempfile.mkdtemp(prefix="from-links-"))
    try:
        finish(*both_parts(top))
    finally:
        if os.environ.get("KEEP"):
            print("everything is left in %s" % top)
        else:
            shutil.rmtree(top)


def both_parts(top):
    """Prints the tables of both, and gives how many builds were done and left out."""
    keys = top / "keys"
    keys.mkdir()
    for who, kind in (("owner", "ed25519"), ("alice", "ed25519"), ("bob", "ecdsa-p256"), ("carol", "rsa-3072")):
        must(LINKWRIGHT, "--quiet", "key", "generate", who, "--type", kind, cwd=keys)
    rows = []
    for name, perform, tool in BUILDS:
        if shutil.which(tool) is None:
            print("left out: %s, for there is no `%s`" % (name, tool))
            continue
        folder = top / name.replace(" ", "-")
        builds = []
        for at, version in (("first", "1.2.3"), ("second", "1.3.0")):
            build = Build(folder / at, keys, version)
            perform(build)
            builds.append(build)
        rows.append(from_links(name, folder, *builds, keys))
        print("done: %s" % name, flush=True)
    table(rows)
    if CHAINS:
        chains = sorted(path for path in CHAINS.iterdir() if path.is_dir())
        if len(chains) < FEWEST_CHAINS:
            raise RuntimeError("%d chains in %s, expected %d" % (len(chains), CHAINS, FEWEST_CHAINS))
        compared([compare(chain, keys) for chain in chains])
        print("compared: %d builds" % len(chains))
    return len(rows), len(BUILDS) - len(rows)


def finish(done, left_out):
    if failures:
        print("\nfrom-links: FAILED: %d checks" % len(failures))
        sys.exit(1)
    if left_out:
        print("\nfrom-links: INCOMPLETE: %d of %d builds were left out" % (left_out, done + left_out))
        sys.exit(3)
    print("\nfrom-links: OK: %d builds" % done)


main()
