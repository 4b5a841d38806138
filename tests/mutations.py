# SPDX-License-Identifier: Apache-2.0
"""Mutation testing of layers 0 to 4: each mutated package is tried with its own unit tests alone.

``python -m tests.mutations [--count 60] [--seed 0] [PACKAGE ...]`` chooses mutations, the same for the same source and
seed, spread over the packages: comparisons, boolean operators, integer constants, and refusals that are taken out. Each
is applied to a copy of the package, over which ``tests/unit/<package>`` runs until its first failure. A mutation is
killed where a test fails or hangs. The exit status is 1 where more than one in twenty survives.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from tests.support.layers import LAYERS

TOP = Path(__file__).parents[1]
SOURCE = TOP / "src" / "ram_mfa"
UNITS = TOP / "tests" / "unit"
PACKAGES = sorted(name for layer in range(5) for name in LAYERS[layer])
MAX_SECONDS = 300
"""For the tests of one package; a mutation that makes them hang is killed."""

COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}


@attrs.frozen
class Mutation:
    """One change of a file: from ``start`` up to ``end``, in characters, ``text`` takes the place of what is there."""

    path: Path
    line: int
    column: int
    start: int
    end: int
    text: str
    kind: str

    @property
    def package(self) -> str:
        """The package, or the module of the top, that is changed."""
        return self.path.relative_to(SOURCE).parts[0].removesuffix(".py")

    def apply(self, source: str) -> str:
        """Return a source with the change."""
        return source[: self.start] + self.text + source[self.end :]

    def rank(self, seed: int) -> bytes:
        """Return what the mutations of a package are sorted by: the same on every machine, and without a pattern."""
        place = f"{seed}:{self.path.relative_to(SOURCE).as_posix()}:{self.line}:{self.column}:{self.kind}"
        return hashlib.sha256(place.encode()).digest()

    def __str__(self) -> str:
        old = " ".join(self.path.read_text(encoding="utf-8")[self.start : self.end].split())
        return f"{self.path.relative_to(SOURCE)}:{self.line}: {old} -> {self.text}"


def mutations_of(path: Path) -> Iterator[Mutation]:
    """Yield every mutation of a file; the parts that only type checkers or readers see have none."""
    source = path.read_text(encoding="utf-8")
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    raw = source.encode()

    def at(line: int, column: int) -> int:
        return len(raw[: starts[line - 1] + column].decode())

    def span(node: ast.AST) -> tuple[int, int]:
        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    def between(kind: str, left: ast.AST, right: ast.AST, text: str) -> Mutation:
        start, end = span(left)[1], span(right)[0]
        gap = source[start:end]
        core = gap.strip(" ()\n")
        start += gap.index(core)
        return Mutation(path, left.end_lineno, left.end_col_offset, start, start + len(core), text, kind)

    for node in _executed(ast.parse(source)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            operator = COMPARISONS[type(node.ops[0])]
            yield between("comparison", node.left, node.comparators[0], operator)
        elif isinstance(node, ast.BoolOp):
            operator = "or" if isinstance(node.op, ast.And) else "and"
            yield between("boolean operator", node.values[0], node.values[1], operator)
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            yield Mutation(path, node.lineno, node.col_offset, *span(node), str(node.value + 1), "constant")
        elif isinstance(node, ast.If) and not node.orelse and _refuses(node.body):
            yield Mutation(path, node.lineno, node.col_offset, *span(node.test), "False", "refusal")


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree but for annotations, and what stands under ``if TYPE_CHECKING``."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns"} or (isinstance(node, ast.FormattedValue) and name == "format_spec"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr):
                yield from _executed(child)


def _refuses(body: list[ast.stmt]) -> bool:
    """Return whether a block does nothing but raise, or return a reason or a refusal."""
    match body:
        case [ast.Raise()]:
            return True
        case [ast.Return(value=ast.expr() as value)]:
            return any(word in ast.unparse(value) for word in ("Reason.", "refused(", "Refusal("))
        case _:
            return False


def choose(packages: list[str], count: int, seed: int) -> list[Mutation]:
    """Return mutations: at least one of each package that has any, the rest in proportion to how many each has."""
    found: dict[str, list[Mutation]] = {}
    for package in packages:
        place = SOURCE / package
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        mutations = [mutation for path in files for mutation in mutations_of(path)]
        if mutations:
            found[package] = sorted(mutations, key=lambda mutation: mutation.rank(seed))
    total = sum(map(len, found.values()))
    shares = {package: max(1, count * len(mutations) // total) for package, mutations in found.items()}
    by_size = sorted(found, key=lambda package: len(found[package]), reverse=True)
    while (rest := count - sum(shares.values())) != 0 and by_size:
        for package in by_size[: abs(rest)]:
            shares[package] += 1 if rest > 0 else -(shares[package] > 1)
        if rest < 0 and all(share <= 1 for share in shares.values()):
            break
    return [mutation for package in found for mutation in found[package][: shares[package]]]


def tests_of(mutation: Mutation) -> list[str]:
    """Return the unit tests of a mutated package: the file of the mutated module, if there is one, and the folder."""
    folder, name = UNITS / mutation.package, f"test_{mutation.path.stem}.py"
    if not folder.is_dir():
        return [str(UNITS / f"test_{mutation.package.lstrip('_')}.py")]
    inner = mutation.path.relative_to(SOURCE / mutation.package).parent
    first = folder / inner / name
    return [str(path) for path in (first, folder) if path.exists()]


def passes(source: Path, tests: str) -> bool:
    """Return whether a file or folder of tests passes over a copy of the source folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(source), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", tests]
        try:
            done = subprocess.run(
                command, cwd=TOP, env=environment, capture_output=True, text=True, timeout=MAX_SECONDS
            )
        except subprocess.TimeoutExpired:
            return False
    if done.returncode not in {0, 1, 2}:
        raise RuntimeError(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Try the mutations; print each with its result, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description="Try mutations of layers 0 to 4.")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", default=PACKAGES)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--skip-baseline", action="store_true", help="do not run the tests without a mutation first")
    given = parser.parse_args(arguments)
    chosen = choose(given.packages, given.count, given.seed)
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(SOURCE.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
        for tests in sorted({tests_of(mutation)[-1] for mutation in chosen}):
            if not given.skip_baseline and not passes(copy, tests):
                print(f"fails without a mutation: {tests}")
                return 2
        for number, mutation in enumerate(chosen, 1):
            target = copy / mutation.path.relative_to(SOURCE.parent)
            source = mutation.path.read_text(encoding="utf-8")
            target.write_text(mutation.apply(source), encoding="utf-8")
            survives = all(passes(copy, tests) for tests in tests_of(mutation))
            target.write_text(source, encoding="utf-8")
            survivors += [mutation] if survives else []
            print(f"{number}/{len(chosen)} {'SURVIVED' if survives else 'killed'} {mutation}", flush=True)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} killed")
    return int(len(survivors) * 20 > len(chosen))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
