"""The house's rules that no compiler checks. `rules.py` checks the tree; `rules.py --self-test` plants one
violation of each rule and wants it found. Python's standard library alone."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX, TEST_LINES_MAX = 700, 1_000
TOP_LEVEL = {"Cargo.toml", "Cargo.lock", "README.md", "LICENSE", "spec", "protocol", "node", "cli", "simulations"}
TOP_LEVEL |= {".ci", ".config", ".gitignore", ".gitattributes", ".rustfmt.toml", ".clippy.toml", ".deny.toml"}
CRATES = ("protocol", "node", "cli", "simulations")

# Which crate may be named under which folders.
NETWORK = ("node/src/network", "node/benches", "node/tests/hostile", "simulations/src/swarm")
PLACES = {
    "libp2p": NETWORK,
    "libp2p_tls": NETWORK,
    "quinn": NETWORK,
    "sled": ("node/src/store", "node/benches"),
    "axum": ("node/src/http",),
    "tantivy": ("node/src/search", "node/benches"),
    "tokio_rustls": ("node/src/http", "node/tests/http"),
    "rcgen": ("node/src/http",),
    "automerge": ("protocol/src/catalog", "protocol/tests/catalog", "protocol/benches", "simulations/benches"),
    "bip39": ("protocol/src/identity",),
    "souk_node": ("cli", "node", "simulations/src/swarm", "simulations/tests", "simulations/benches"),
    "souk_cli": ("cli",),
    "souk_simulations": ("simulations",),
}

# What a pure crate has no use for. `Automerge::new()` draws a random actor.
IMPURE = (
    r"\bstd::(time|net|fs|thread|process|env|io)\b",
    r"\b(SystemTime|Instant|HashMap|HashSet|RandomState|OsRng)\b",
    r"\b(tokio|libp2p\w*|sled|rand|getrandom|futures|rayon|quinn|axum|tantivy)::",
    r"\b(println|eprintln|print|eprint|dbg)!",
    r"\b(Automerge|AutoCommit)::new\(\)(?!\s*\.with_actor)",
    r"\basync fn\b",
)
FLOATS = r"\bf(32|64)\b"
NAMES = r"\bfn get_\w+|\b(struct|enum|trait|type) \w*(Manager|Helper|Util)\w*|\bmod (utils?|helpers?|common|misc)\b"
UNFINISHED = r"\b(TODO|FIXME|HACK)\b|\b(todo|unimplemented)!"


def code_of(text):
    """A source's code alone: strings and comments are blanked, lines stay."""
    pattern = r'//[^\n]*|/\*.*?\*/|b?r(#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?\'(?:\\.|[^\'\\])\''
    return re.sub(pattern, lambda m: "\n" * m.group(0).count("\n") or '""', text, flags=re.S)


def is_test(path):
    return path.endswith("/tests.rs") or "/tests/" in path


def without_tests(code):
    """Code up to the file's test module, which stands at its end."""
    return re.split(r"#\[cfg\(test\)\]\s*(?:pub\(\w+\) )?mod \w+ \{", code, maxsplit=1)[0]


def lines_with(pattern, code):
    for number, line in enumerate(code.splitlines(), 1):
        found = re.search(pattern, line)
        if found:
            yield number, found.group(0)


def sources(tree, under=CRATES):
    return ((path, text) for path, text in tree.items() if path.endswith(".rs") and path.split("/")[0] in under)


def crates_are_named_in_their_places(tree):
    for path, text in sources(tree):
        code = code_of(text)
        for crate, places in PLACES.items():
            if not path.startswith(places):
                for number, _ in lines_with(rf"\b{crate}::|\buse {crate}\b|\bextern crate {crate}\b", code):
                    yield path, number, f"'{crate}' is named only under {' and '.join(places)}"


def protocol_is_pure(tree):
    for path, text in sources(tree, ("protocol",)):
        if path.startswith("protocol/src/") and not is_test(path):
            code = without_tests(code_of(text))
            for pattern in IMPURE:
                for number, found in lines_with(pattern, code):
                    yield path, number, f"protocol is pure: no '{found}'"
            # Views are answers to the owner, never signed: a mean may stand there.
            signed = "" if path.startswith("protocol/src/view") else code.replace("f32 f64 char", "")
            for number, found in lines_with(FLOATS, signed):
                yield path, number, f"no floats in protocol: '{found}'"


def nothing_is_unfinished(tree):
    for path, text in tree.items():
        if not path.startswith((".ci/", "Cargo.lock", "spec/vectors/")):
            for number, found in lines_with(UNFINISHED, text):
                yield path, number, f"'{found}': what is not built is absent"


def nothing_is_unsafe(tree):
    for path, text in sources(tree):
        for number, _ in lines_with(r"\bunsafe\b", code_of(text)):
            yield path, number, "unsafe is forbidden"
    lints = tree.get("Cargo.toml", "")
    if 'unsafe_code = "forbid"' not in lints:
        yield "Cargo.toml", 1, "the workspace forbids unsafe_code"
    for crate in CRATES:
        if not re.search(r"^\[lints\]\s*workspace = true", tree.get(f"{crate}/Cargo.toml", ""), re.M):
            yield f"{crate}/Cargo.toml", 1, "a crate takes the workspace's lints"


def files_import_upwards(tree):
    """Within a crate a file imports only what stands above it in the map of its lib.rs or main.rs."""
    for crate in CRATES:
        root = next((p for p in (f"{crate}/src/lib.rs", f"{crate}/src/main.rs") if p in tree), None)
        if root is None:
            continue
        names = re.findall(r"^(?:pub(?:\(\w+\))? )?mod (\w+);", without_tests(code_of(tree[root])), re.M)
        order = {name: place for place, name in enumerate(names)}
        for path, text in sources(tree, (crate,)):
            if not path.startswith(f"{crate}/src/") or path == root or is_test(path):
                continue
            own = path.removeprefix(f"{crate}/src/").split("/")[0].removesuffix(".rs")
            for number, used in imports(without_tests(code_of(text))):
                if used in order and own in order and order[used] > order[own]:
                    yield path, number, f"'{own}' imports '{used}', which stands below it in {root}"


def imports(code):
    """Modules of the own crate that a file names, with their lines."""
    for match in re.finditer(r"\bcrate::(?:(\w+)|\{)", code):
        number = code.count("\n", 0, match.start()) + 1
        if match.group(1):
            yield number, match.group(1)
            continue
        depth, word = 1, ""
        for char in code[match.end() :]:
            depth += {"{": 1, "}": -1}.get(char, 0)
            if depth == 0:
                break
            if depth == 1 and (char.isalnum() or char == "_"):
                word += char
            elif word:
                yield number, word
                word = "" if char in ",{} \n" else word
                if char == ":":
                    word = "\0"
        if word and "\0" not in word:
            yield number, word


def files_are_short(tree):
    for path, text in sources(tree):
        count = len(without_tests(text).splitlines())
        most = TEST_LINES_MAX if is_test(path) or "/src/" not in path else LINES_MAX
        if count > most:
            yield path, most, f"{count} lines beside its tests; at most {most}"


def files_say_what_they_are(tree):
    for path, text in sources(tree):
        if "/src/" in path and not text.startswith("//! "):
            yield path, 1, "a file opens with //! and what it is"


def limits_stand_in_one_place(tree):
    for path, text in sources(tree, ("protocol",)):
        if path.startswith("protocol/src/") and not path.endswith(("/limits.rs", "/laws.rs", "/tests.rs")):
            # How much one answer to the owner looks at or shows is no limit of the protocol.
            limit = r"\bconst (?![A-Z_]*_(READ|SHOWN|COUNTED)_MAX\b)[A-Z_]*(_MAX|_PER_HOUR|_PER_DAY)\b"
            for number, found in lines_with(limit, without_tests(code_of(text))):
                yield path, number, f"'{found}': limits stand in protocol/src/limits.rs"


def names_are_plain(tree):
    for path, text in sources(tree):
        for number, found in lines_with(NAMES, code_of(text)):
            yield path, number, f"'{found}': names are plain nouns and verbs"


def the_top_level_is_tidy(tree):
    for path in tree:
        if path.split("/")[0] not in TOP_LEVEL:
            yield path, 1, "not a name of the top level"


def pages_that_are_named_exist(tree):
    for path, text in tree.items():
        if path.endswith((".rs", ".md")) and path.split("/")[0] in CRATES + ("README.md",):
            for number, line in enumerate(text.splitlines(), 1):
                for page in re.findall(r"\bspec/[a-z]+\.md\b", line):
                    if page not in tree:
                        yield path, number, f"'{page}' does not exist"
    for path, text in tree.items():
        if path.startswith("spec/") and path.endswith(".md"):
            for number, line in enumerate(text.splitlines(), 1):
                for page in re.findall(r"`([a-z]+\.md)`|\]\(([a-z]+\.md)", line):
                    if f"spec/{''.join(page)}" not in tree:
                        yield path, number, f"'{''.join(page)}' does not exist"


def tests_that_are_named_exist(tree):
    for number, line in enumerate(tree.get("spec/threats.md", "").splitlines(), 1):
        for path, test in re.findall(r"`([\w/]+\.rs)::(\w+)`", line):
            if not re.search(rf"\bfn {test}\(", tree.get(path, "")):
                yield "spec/threats.md", number, f"there is no test '{test}' in '{path}'"


def no_picture_is_decoded(tree):
    decoders = r'^name = "(image|image-webp|png|gif|tiff|jpeg-decoder|zune-\w+|webp|libwebp-sys|mozjpeg|resvg|usvg|ravif)"'
    for number, found in lines_with(decoders, tree.get("Cargo.lock", "")):
        yield "Cargo.lock", number, f"'{found}': nothing here decodes pictures"


# Each rule with a file that breaks it and says nothing else of note.
RULES = {
    crates_are_named_in_their_places: [("node/src/driver.rs", "//! x\nuse sled::Db;\n"), ("cli/src/main.rs", "//! x\nfn a() { libp2p::b(); }\n")],
    protocol_is_pure: [
        ("protocol/src/time.rs", "//! x\nuse std::time::SystemTime;\n"),
        ("protocol/src/feed.rs", "//! x\nuse std::collections::HashMap;\n"),
        ("protocol/src/money.rs", "//! x\nfn a(b: f64) {}\n"),
    ],
    nothing_is_unfinished: [("node/src/verify.rs", "//! x\n// TODO: later\n"), ("spec/api.md", "FIXME\n")],
    nothing_is_unsafe: [("node/src/verify.rs", "//! x\nunsafe fn a() {}\n"), ("cli/Cargo.toml", "[package]\n")],
    files_import_upwards: [("protocol/src/id.rs", "//! x\nuse crate::peer::Peer;\n"), ("protocol/src/id.rs", "//! x\nuse crate::{limits::A, peer};\n")],
    files_are_short: [("node/src/driver.rs", "//! x\n" + "const A: u8 = 0;\n" * LINES_MAX)],
    files_say_what_they_are: [("node/src/driver.rs", "fn a() {}\n")],
    limits_stand_in_one_place: [("protocol/src/feed.rs", "//! x\nconst PAGES_MAX: usize = 1;\n")],
    names_are_plain: [("node/src/driver.rs", "//! x\nfn get_thing() {}\n"), ("node/src/driver.rs", "//! x\nstruct PeerManager;\n")],
    the_top_level_is_tidy: [("notes.txt", "\n")],
    tests_that_are_named_exist: [("spec/threats.md", "`protocol/src/peer.rs::nobody_wrote_it`\n")],
    no_picture_is_decoded: [("Cargo.lock", 'name = "png"\n')],
    pages_that_are_named_exist: [("node/src/driver.rs", "//! Described in `spec/nowhere.md`.\n"), ("spec/api.md", "see `nowhere.md`\n")],
}

# A tree without a fault, into which each of those is planted.
SOUND = {
    "Cargo.toml": '[workspace.lints.rust]\nunsafe_code = "forbid"\n',
    "protocol/src/lib.rs": "//! x\npub mod limits;\npub mod id;\npub mod peer;\n",
    "protocol/src/peer.rs": '//! x\nuse crate::id::A;\nconst WORDS: &str = "unsafe use sled::x; std::time";\n// HashMap\n',
    "node/src/store/mod.rs": "//! x\nuse sled::Db;\n",
    "spec/api.md": "\n",
    **{f"{crate}/Cargo.toml": "[lints]\nworkspace = true\n" for crate in CRATES},
}


def broken(tree):
    return [(rule, *finding) for rule in RULES for finding in rule(tree)]


def self_test():
    for rule, path, number, words in broken(SOUND):
        sys.exit(f"self-test: '{rule.__name__}' fires on a sound tree: {path}:{number}: {words}")
    for rule, plants in RULES.items():
        for path, text in plants:
            if not any(found == path for found, _, _ in rule({**SOUND, path: text})):
                sys.exit(f"self-test: '{rule.__name__}' does not fire on {path}: {text!r}")
    print(f"self-test: each of {len(RULES)} rules fires on what breaks it, none on a sound tree")


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    tree = {}
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            tree[name] = path.read_bytes().decode("utf-8", "replace")
    return tree


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    tree = tracked()
    findings = broken(tree)
    for _, path, number, words in findings:
        print(f"{path}:{number}: {words}")
    if findings:
        sys.exit(f"{len(findings)} breaches of the house's rules")
    print(f"{len(RULES)} rules hold over {len(tree)} files")


main()
