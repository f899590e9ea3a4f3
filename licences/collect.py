#!/usr/bin/env python3
"""Writes THIRD-PARTY-NOTICES.txt: every crate that is linked into the program, with its licence.

Reads what cargo has downloaded already; asks no network. Where a crate lets one choose, the first of CHOICE that it
offers is chosen. Texts that are the same but for their copyright lines are written once. Run it after a dependency
has changed:

    cargo fetch --locked && python3 licences/collect.py
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin"]
CHOICE = ["MIT", "ISC", "Zlib", "BSD-3-Clause", "Unlicense", "Unicode-3.0", "Unicode-DFS-2016", "0BSD",
          "CDLA-Permissive-2.0", "MPL-2.0", "Apache-2.0", "BSL-1.0", "Apache-2.0 WITH LLVM-exception", "WTFPL"]
# how the files of a licence are called, where a crate has several
FILES = {"MIT": "mit", "Apache-2.0": "apache", "ISC": "isc", "Zlib": "zlib", "BSD-3-Clause": "bsd",
         "Unlicense": "unlicense", "Unicode-3.0": "unicode", "Unicode-DFS-2016": "unicode", "BSL-1.0": "boost",
         "CDLA-Permissive-2.0": "", "MPL-2.0": "mpl", "0BSD": "0bsd", "WTFPL": "wtfpl",
         "Apache-2.0 WITH LLVM-exception": "llvm"}
STANDARD_MIT = (ROOT / "LICENSE-MIT").read_text().split("\n\n", 2)[2]


def cargo(*arguments):
    command = ["cargo", *arguments, "--locked", "--offline"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def linked():
    """Names and versions of everything that ends up in the program, on any target."""
    found = set()
    for target in TARGETS:
        tree = cargo("tree", "--all-features", "-e", "normal,no-proc-macro", "--target", target,
                     "--prefix", "none", "-f", "{p}")
        for line in tree.splitlines():
            name, version = line.split()[:2]
            found.add((name, version.lstrip("v")))
    found.discard(("allclear", version_of_ours()))
    return found


def version_of_ours():
    return re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)


def chosen(expression):
    """The licences that hold for us: one of each group of alternatives."""
    expression = expression.replace("/", " OR ").replace("  ", " ")
    licences = []
    for group in re.split(r"\s+AND\s+(?![^(]*\))", expression):
        offered = [it.strip(" ()") for it in re.split(r"\s+OR\s+", group)]
        known = [it for it in CHOICE if it in offered]
        if not known:
            sys.exit(f"no licence of {expression!r} is known: add it to CHOICE and to deny.toml")
        licences.append(known[0])
    return licences


def has_text(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    return any(re.match(r"(?i)(licen[cs]e|copying|unlicense)", it.name) for it in folder.iterdir())


def texts(package, licences, spare):
    folder = pathlib.Path(package["manifest_path"]).parent
    files = sorted(it for it in folder.iterdir() if it.is_file() and
                   re.match(r"(?i)(licen[cs]e|copying|notice|unlicense|copyright)", it.name))
    files += sorted(it for it in (folder / "LICENSES").glob("*") if it.is_file())
    taken = [it for it in files if it.name.lower().startswith("notice")]
    for licence in licences:
        word = FILES[licence]
        fit = [it for it in files if word and word in it.name.lower().replace("unlicense", "unlicense")]
        fit = [it for it in fit if not (licence == "Apache-2.0" and "llvm" in it.name.lower())]
        plain = [it for it in files if re.fullmatch(r"(?i)(licen[cs]e|copying)([.](md|txt))?", it.name)]
        taken += fit or plain or [it for it in files if it not in taken][:1]
    if taken:
        unique = list(dict.fromkeys(taken))
        return [it.read_text(errors="replace") for it in unique]
    if licences == ["MIT"]:  # the text is the licence's own, the names are those of the crate
        authors = ", ".join(re.sub(r"\s*<.*?>", "", it) for it in package["authors"]) or f"the authors of {package['name']}"
        return [f"The MIT License (MIT)\n\nCopyright (c) {authors}\n\n{STANDARD_MIT}"]
    return [spare[licence] for licence in licences]  # the same licence as another crate brings it


def tidy(text):
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\t", "    ").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def body_and_owners(text):
    """A text without its copyright lines, in one piece for comparing, and those lines."""
    owners = [line.strip() for line in text.split("\n") if re.match(r"\s*(Copyright|©)\b.*(\d{4}|\(c\)|©)", line, re.I)]
    rest = "\n".join(line for line in text.split("\n") if line.strip() not in owners)
    return re.sub(r"[\s#*_-]+", " ", rest).strip().lower(), owners


def main():
    packages = {(it["name"], it["version"]): it for it in
                json.loads(cargo("metadata", "--format-version", "1", "--all-features"))["packages"]}
    blocks = {}  # body -> (text, [(crate, licences, owners)])
    crates = []
    spare = {}  # licence -> a text of it, for crates that bring none
    everything = sorted((crate, chosen(packages[crate]["license"] or "")) for crate in linked())
    for crate, licences in sorted(everything, key=lambda it: -len(it[1])):
        if len(licences) == 1 and has_text(packages[crate]):
            spare[licences[0]] = texts(packages[crate], licences, spare)[0]
    for crate, licences in everything:
        package = packages[crate]
        crates.append((crate, licences))
        for text in map(tidy, texts(package, licences, spare)):
            body, owners = body_and_owners(text)
            blocks.setdefault(body, (text, []))[1].append((crate, owners))
    out = ["Notices of what allclear is built from",
           "======================================", "",
           f"The {len(crates)} crates below are linked into the program, under the licences named; their texts follow.",
           "Data from others is named in THIRD_PARTY.md. Written by licences/collect.py; do not edit.", ""]
    out += [f"{name} {version}: {' and '.join(licences)}" for (name, version), licences in crates]
    for text, users in sorted(blocks.values(), key=lambda block: block[1][0][0]):
        out += ["", "-" * 78]
        for (name, version), owners in users:
            out.append(f"{name} {version}" + "".join(f"\n    {owner}" for owner in owners))
        out += ["", text]
    (ROOT / "THIRD-PARTY-NOTICES.txt").write_text("\n".join(out) + "\n")
    print(f"{len(crates)} crates, {len(blocks)} texts")


main()
