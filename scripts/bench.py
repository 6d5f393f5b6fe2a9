"""Measures linkwright beside its peers; `scripts/bench` installs them and calls this.

Programs that are compared run by turns, in the same folder, one after the other, and every figure
is a median: of the times of one program, or of the ratios within the turns. The results of each
row are kept, so that the tables can be put together from several calls.
"""

import argparse
import datetime
import filecmp
import functools
import json
import multiprocessing
import os
import platform
import random
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

SEED = 20260101
# What Python itself takes; a peak below it cannot be seen.
OWN_MIB = 24
MIB = 1 << 20
SCAN_PEERS = {
    "sha256sum": "sha256sum",
    "openssl": "openssl dgst -sha256 -r",
    "b3sum": "{b3sum}",
}
LINEAR = (1_000, 10_000, 100_000, 1_000_000)
DROP_CACHES = Path("/proc/sys/vm/drop_caches")
# The row's median needs more turns where a turn is short.
ROUNDS = {
    "small": 5, "mib": 7, "real": 5, "big": 3, "verify-100k": 5, "verify-1m": 1,
    "linear": 5, "start": 101, "cold": 3,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", allow_abbrev=False)
    for path in ("work", "venv", "b3sum", "scan", "linkwright"):
        parser.add_argument(f"--{path}", type=absolute, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, help="how many times each command runs")
    parser.add_argument("--list", action="store_true", help="list the rows")
    parser.add_argument("--tables", type=Path, help="write the tables of all rows to this file")
    parser.add_argument("rows", nargs="*", help="the rows to measure; all of them unless given")
    given = parser.parse_args()
    if given.list:
        print("\n".join(ROUNDS))
        return
    unknown = [row for row in given.rows if row not in ROUNDS]
    if unknown:
        sys.exit(f"bench: there is no row {', '.join(unknown)}; there are {', '.join(ROUNDS)}")
    if given.rounds is not None and given.rounds < 1:
        sys.exit("bench: --rounds must be 1 or more")
    bench = Bench(given)
    for row in given.rows or ROUNDS:
        bench.measure(row)
    tables = bench.tables()
    print(tables)
    if given.tables:
        given.tables.write_text(tables)
    print("bench: OK: measured", ", ".join(given.rows or ROUNDS))


def absolute(path):
    return Path(path).absolute()


# --- running ---------------------------------------------------------------


def timed(command, folder):
    """Runs a command to its end: seconds, and the peak of its memory in MiB."""
    command = list(map(str, command))
    since = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - since
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"bench: FAILED: `{shlex.join(command)}` ended with {child.returncode} in {folder}")
    return seconds, usage.ru_maxrss / 1024


def check_memory():
    """A child's peak counts from that of this process at its start, so that must stay small."""
    mib = timed(["true"], "/")[1]
    if mib > OWN_MIB:
        sys.exit(f"bench: FAILED: `true` seems to take {mib:.0f} MiB, so no memory can be measured")


def by_turns(commands, folder, rounds, before=None):
    """Runs the named commands by turns, as often as asked; `before` runs before each of them."""
    runs = {name: [] for name in commands}
    for turn in range(rounds):
        # Another one goes first each time.
        names = list(commands)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            command = commands[name]
            if before:
                before()
            runs[name].append(timed(command, folder))
        told = "  ".join(f"{name} {runs[name][-1][0]:.3f}" for name in commands)
        if rounds < 20:
            print(f"    {turn + 1}/{rounds}  {told}", file=sys.stderr)
    return {
        name: {"seconds": [run[0] for run in all_], "mib": max(run[1] for run in all_)}
        for name, all_ in runs.items()
    }


def on_all_files(words):
    """A program that takes files, run by as many processes as there are cores."""
    return f"find . -type f -print0 | xargs -0 -P{os.cpu_count()} -n500 {words}"


def drop_caches(what="3"):
    """What the kernel keeps of files in memory is given up: all of it, or (2) names; needs root."""
    os.sync()
    DROP_CACHES.write_text(what + "\n")


# --- rows ------------------------------------------------------------------


class Bench:
    def __init__(self, given):
        self.given = given
        self.corpora = given.work / "corpora"
        self.corpora.mkdir(parents=True, exist_ok=True)
        self.links = {name: given.work / name for name in ("theirs", "ours")}
        self.key = given.work / "key"
        for folder in self.links.values():
            # A link of another key must not be taken for one that was just made.
            if not self.key.exists():
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
        self.results_file = given.work / "results.json"
        self.results = {}
        if self.results_file.exists():
            self.results = json.loads(self.results_file.read_text())
        if not self.key.exists():
            subprocess.run([given.linkwright, "key", "generate", self.key], check=True)

    def measure(self, row):
        print(f"bench: {row}", file=sys.stderr)
        rounds = self.given.rounds or ROUNDS[row]
        kind, _, size = row.partition("-")
        measure = {
            "verify": lambda: self.verify(size, rounds),
            "linear": lambda: self.linear(rounds),
            "start": lambda: self.start(rounds),
            "cold": lambda: self.cold(rounds),
        }.get(kind, lambda: self.tree(row, rounds))
        load = os.getloadavg()[0]
        check_memory()
        measured = measure()
        if measured is None:
            return
        self.results[row] = {
            "date": datetime.date.today().isoformat(),
            "rounds": rounds,
            "load": [load, os.getloadavg()[0]],
            "machine": machine(self.given),
            "commit": commit(),
            **measured,
        }
        self.results_file.write_text(json.dumps(self.results, indent=1))

    def corpus(self, name, make):
        """The folder of a corpus; made once, and then only read."""
        folder = self.corpora / name
        done = self.corpora / f"{name}.done"
        if not done.exists():
            print(f"bench: making the corpus {name} in {folder}", file=sys.stderr)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            # In a process of its own, which takes its memory with it.
            maker = multiprocessing.Process(target=make, args=(folder,))
            maker.start()
            maker.join()
            if maker.exitcode != 0:
                sys.exit(f"bench: FAILED: the corpus {name} cannot be made")
            done.touch()
        return folder

    def run(self, who, *options, name="step"):
        """The command that records a whole tree twice, before and after `true`."""
        program = {
            "theirs": [self.given.venv / "bin" / "in-toto-run"],
            "ours": [self.given.linkwright, "run"],
        }[who]
        return [
            *program, *options, "--step-name", name, "--signing-key", self.key,
            "--metadata-directory", self.links[who], "-m", ".", "-p", ".", "--", "true",
        ]  # fmt: skip

    def tree(self, name, rounds):
        folder = self.corpus(name, CORPORA[name])
        warm(folder)
        recorded = by_turns(
            {
                "theirs": self.run("theirs"),
                "ours": self.run("ours"),
                "reuse": self.run("ours", "--reuse-digests", name="reuse"),
            },
            folder,
            rounds,
        )
        self.compare_links()
        scans = {"ours": [self.given.scan, folder], "floor": [self.given.scan, "--no-hash", folder]}
        for peer, words in SCAN_PEERS.items():
            words = words.format(b3sum=self.given.b3sum)
            scans[peer] = ["sh", "-c", on_all_files(words)]
        scanned = by_turns(scans, folder, max(rounds, 5))
        return {"what": shape(folder), "run": recorded, "scan": scanned}

    def compare_links(self):
        """What both tools recorded must be the same, their signatures included."""
        # Byte by byte: a parsed link would stay in the memory that children start with.
        theirs, ours = (next(folder.glob("step.*.link")) for folder in self.links.values())
        if not filecmp.cmp(theirs, ours, shallow=False):
            sys.exit("bench: FAILED: the two links differ")

    def verify(self, size, rounds):
        artifacts, rules = {"100k": (100_000, 10), "1m": (1_000_000, 30)}[size]
        folder = self.corpora / f"verify-{size}"
        if not (folder / "root.layout").exists():
            print(f"bench: making layout and links in {folder}", file=sys.stderr)
            folder.mkdir(exist_ok=True)
            maker = Path(__file__).with_name("bench_layout.py")
            python = self.given.venv / "bin" / "python"
            subprocess.run(
                [python, "-B", maker, self.key, str(artifacts), str(rules), folder], check=True
            )
        public = f"{self.key}.pub"
        theirs = self.given.venv / "bin" / "in-toto-verify"
        return {
            "what": {"artifacts": artifacts, "rules": rules},
            "verify": by_turns(
                {
                    "theirs": [theirs, "-l", "root.layout", "--verification-keys", public],
                    "ours": [self.given.linkwright, "verify", "-l", "root.layout", "--key", public],
                },
                folder,
                rounds,
            ),
        }

    def linear(self, rounds):
        measured = {}
        for count in LINEAR:
            name = "small" if count == 100_000 else f"files-{count}"
            folder = self.corpus(name, functools.partial(many_small, count=count))
            warm(folder)
            print(f"  {count} files", file=sys.stderr)
            measured[count] = by_turns({"ours": self.run("ours")}, folder, rounds)["ours"]
        return {"files": measured}

    def start(self, rounds):
        bare = [
            self.given.linkwright, "run", "--step-name", "start", "--signing-key", self.key,
            "--metadata-directory", self.links["ours"], "--", "true",
        ]  # fmt: skip
        timed(bare, self.given.work)
        link = next(self.links["ours"].glob("start.*.link"))
        sign = [
            self.given.linkwright, "sign", link, "--signing-key", self.key,
            "--output", self.links["ours"] / "start.signed",
        ]  # fmt: skip
        return {
            "start": by_turns(
                {
                    "env true": ["env", "true"],
                    "linkwright --version": [self.given.linkwright, "--version"],
                    "linkwright sign": sign,
                    "linkwright run -- true": bare,
                },
                self.given.work,
                rounds,
            )
        }

    def cold(self, rounds):
        if not os.access(DROP_CACHES, os.W_OK):
            print("bench: cold: left out, only root can drop the kernel's caches", file=sys.stderr)
            return None
        measured = {}
        for name in ("small", "mib", "real"):
            folder = self.corpus(name, CORPORA[name])
            print(f"  {name}", file=sys.stderr)
            words = on_all_files(self.given.b3sum)
            measured[name] = by_turns(
                {
                    "ours": [self.given.scan, folder],
                    "b3sum": ["sh", "-c", words],
                    "theirs": self.run("theirs"),
                    "our run": self.run("ours"),
                },
                folder,
                rounds,
                before=drop_caches,
            )
        return {"trees": measured}

    # --- tables ------------------------------------------------------------

    def tables(self):
        parts = []
        trees = [name for name in CORPORA if name in self.results]
        if trees:
            parts.append(self.run_table(trees))
            parts.append(self.scan_table(trees))
        verified = [name for name in self.results if name.startswith("verify-")]
        if verified:
            parts.append(self.verify_table(sorted(verified)))
        parts += [
            table(self.results[name])
            for name, table in (
                ("linear", linear_table), ("start", start_table), ("cold", cold_table)
            )
            if name in self.results
        ]  # fmt: skip
        machines = {}
        for row, result in self.results.items():
            said = f"at commit {result['commit']} on {result['date']}. {result['machine']}"
            machines.setdefault(said, []).append(row)
        parts += [f"{', '.join(rows)}: {said}" for said, rows in machines.items()]
        return "\n\n".join(parts) + "\n"

    def run_table(self, names):
        head = ("run -m . -p . -- true", "reference", "ours", "ratio", "reusing digests", "ratio",
                "peak memory: reference", "ours", "reusing", "turns", "load")  # fmt: skip
        rows = []
        for name in names:
            result = self.results[name]
            run, what = result["run"], result["what"]
            rows.append((
                f"{name}: {what['files']:,} files, {what['bytes'] / 1e6:,.0f} MB",
                spread(run["theirs"]), spread(run["ours"]), ratio(run["theirs"], run["ours"]),
                spread(run["reuse"]), ratio(run["theirs"], run["reuse"]),
                mib(run["theirs"]), mib(run["ours"]), mib(run["reuse"]),
                result["rounds"], loads(result),
            ))  # fmt: skip
        return table(head, rows)

    def scan_table(self, names):
        head = ("one scan", "ours", *(f"{peer} / ours" for peer in SCAN_PEERS),
                "ours without hashing", "ours / that", "peak memory", "turns", "load")  # fmt: skip
        rows = []
        for name in names:
            result = self.results[name]
            scan = result["scan"]
            rows.append((
                name, spread(scan["ours"]), *(ratio(scan[peer], scan["ours"]) for peer in SCAN_PEERS),
                *floor(name, scan), mib(scan["ours"]), len(scan["ours"]["seconds"]), loads(result),
            ))  # fmt: skip
        return table(head, rows)

    def verify_table(self, names):
        head = ("verify, two steps", "reference", "ours", "ratio",
                "peak memory: reference", "ours", "turns", "load")  # fmt: skip
        rows = []
        for name in names:
            result = self.results[name]
            both, what = result["verify"], result["what"]
            count = f"{what['artifacts']:,}"
            rows.append((
                f"{count} materials and {count} products each, {what['rules']} rules a list",
                spread(both["theirs"]), spread(both["ours"]), ratio(both["theirs"], both["ours"]),
                mib(both["theirs"]), mib(both["ours"]), result["rounds"], loads(result),
            ))  # fmt: skip
        return table(head, rows)


def linear_table(result):
    rows = [
        (f"{int(count):,}", spread(runs),
         f"{1e6 * statistics.median(runs['seconds']) / int(count):.1f} µs", mib(runs),
         result["rounds"], loads(result))
        for count, runs in result["files"].items()
    ]  # fmt: skip
    return table(("files of about 2 KiB, recorded twice", "time", "per file", "peak memory", "turns", "load"), rows)


def start_table(result):
    start = result["start"]
    rows = [
        (f"`{name}`", f"{1e3 * statistics.median(runs['seconds']):.2f} ms",
         ratio(runs, start["env true"]),
         ratio(runs, and_signing(start)) if name == "linkwright run -- true" else "–",
         result["rounds"], loads(result))
        for name, runs in start.items()
    ]  # fmt: skip
    head = ("start-up", "time", "beside `env true`", "beside that and signing", "turns", "load")
    return table(head, rows)


def and_signing(start):
    """What `env true` takes, and what `sign` takes beyond a start of the same program."""
    turns = (start[name]["seconds"] for name in ("env true", "linkwright sign", "linkwright --version"))
    return {"seconds": [env + sign - version for env, sign, version in zip(*turns)]}


def cold_table(result):
    head = ("nothing in the kernel's cache", "one scan: ours", "b3sum", "run: reference", "ours",
            "turns", "load")  # fmt: skip
    rows = [
        (name, spread(runs["ours"]), spread(runs["b3sum"]), spread(runs["theirs"]),
         spread(runs["our run"]), result["rounds"], loads(result))
        for name, runs in result["trees"].items()
    ]  # fmt: skip
    return table(head, rows)


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def floor(name, scan):
    """A giant is hashed while it is read, whatever was asked."""
    if name == "big":
        return "–", "–"
    return spread(scan["floor"]), ratio(scan["ours"], scan["floor"])


def spread(runs):
    """The median, and the smallest and the largest."""
    seconds = runs["seconds"]
    middle = f"{statistics.median(seconds):.3f} s"
    return middle if len(seconds) == 1 else f"{middle} ({min(seconds):.3f}–{max(seconds):.3f})"


def ratio(first, second):
    """The median of the ratios within each turn."""
    return f"{statistics.median(map(lambda a, b: a / b, first['seconds'], second['seconds'])):.2f}"


def mib(runs):
    return "–" if runs["mib"] is None else f"{runs['mib']:.0f} MiB"


def loads(result):
    return "–".join(f"{load:.1f}" for load in result["load"])


def commit():
    """Which state of the sources was measured."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True,
        cwd=Path(__file__).parent,
    )  # fmt: skip
    return said.stdout.strip() or "unknown"


def machine(given):
    """What was measured on and with, in one sentence."""
    cpu = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    said = dict(
        map(str.strip, line.split(":", 1)) for line in cpu.split("\n\n")[0].splitlines() if ":" in line
    )
    flags = [f for f in ("sha_ni", "avx2", "avx512f", "avx512bw") if f in said.get("flags", "").split()]

    def first_line(*command):
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]

    versions = ", ".join((
        first_line(given.linkwright, "--version"), "in-toto 3.1.0",
        first_line("sha256sum", "--version"), first_line("openssl", "version").split(" (")[0],
        first_line(given.b3sum, "--version"),
    ))  # fmt: skip
    backend = json.loads(
        subprocess.run(
            [given.linkwright, "run", "--stats=json", "-n", "machine", "--signing-key",
             given.work / "key", "--metadata-directory", given.work, "--", "true"],
            capture_output=True, text=True, check=True,
        ).stderr.splitlines()[-1]
    )["backend"]  # fmt: skip
    return (
        f"Measured on {os.cpu_count()} cores of {said.get('model name', platform.machine())}"
        f" (`{' '.join(flags) or 'no instructions of use'}`; in use: {backend}),"
        f" Linux {platform.release().split('-')[0]}, with {versions}."
    )


# --- corpora ---------------------------------------------------------------


def warm(folder):
    """Every file is read once. What the kernel knows of other files is given up first, where that is
    allowed: whatever ran before fills the table in which it looks names up."""
    if os.access(DROP_CACHES, os.W_OK):
        drop_caches("2")
    words = f"{on_all_files('cat')} >/dev/null"
    subprocess.run(["sh", "-c", words], cwd=folder, check=True)


def shape(folder):
    files = [
        os.lstat(os.path.join(where, name)).st_size
        for where, _, names in os.walk(folder)
        for name in names
    ]
    return {"files": len(files), "bytes": sum(files)}


def many_small(folder, count=100_000):
    """A tree as package managers make it: a package in three folders, 33 files in each of them."""
    chance = random.Random(SEED)
    inner = ("lib", "dist", "src", "test", "esm", "cjs", "types", "internal", "utils")
    endings = (".js", ".js", ".js", ".ts", ".d.ts", ".json", ".map", ".md", ".mjs")
    content = chance.randbytes(MIB)
    folders = []
    for index in range(max(1, count * 3 // 100)):
        if index % 3 == 0:
            new = folder / "node_modules" / f"package-{index // 3:04}"
        else:
            new = folders[-1] / f"{chance.choice(inner)}{index}"
        new.mkdir(parents=True)
        folders.append(new)
    for index in range(count):
        size = int(min(64 * 1024, chance.lognormvariate(6.95, 1.15)))
        start = chance.randrange(MIB - size)
        name = f"file-{index:06}{chance.choice(endings)}"
        (folders[index % len(folders)] / name).write_bytes(content[start : start + size])


def mebibytes(folder, count=2_000):
    chance = random.Random(SEED)
    for index in range(count):
        inner = folder / f"d{index % 40:02}"
        inner.mkdir(exist_ok=True)
        (inner / f"blob-{index:04}.bin").write_bytes(chance.randbytes(MIB))


def one_giant(folder, gibibytes=4):
    chance = random.Random(SEED)
    with (folder / "image.bin").open("wb") as file:
        for _ in range(gibibytes * 16):
            file.write(chance.randbytes(64 * MIB))


def installed(folder):
    """What this machine has in /usr/share and /usr/lib and of crates' sources, without links."""
    sources = Path.home() / ".cargo" / "registry" / "src"
    for source in (Path("/usr/share"), Path("/usr/lib"), sources):
        if source.is_dir():
            subprocess.run(["cp", "-a", source, folder / source.name], check=True)
    subprocess.run(
        ["find", folder, "-not", "-type", "d", "-not", "-type", "f", "-delete"], check=True
    )


CORPORA = {"small": many_small, "mib": mebibytes, "real": installed, "big": one_giant}

if __name__ == "__main__":
    main()
