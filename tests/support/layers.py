# SPDX-License-Identifier: Apache-2.0
"""The layers of docs/architecture.md as checks over a tree of source files.

Each check takes the modules of a tree and returns its complaints as text, sorted; none is good. Imports are read
from the syntax tree: those inside functions and under ``if TYPE_CHECKING`` count like all others.
"""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

PACKAGE = "ram_mfa"

LAYERS = {
    0: {"errors", "refusals", "encoding", "machine_labels", "_secret", "_validation", "_version", "_warning"},
    1: {"signatures", "attestation_certificates"},
    2: {"otp", "u2f", "webauthn"},
    3: {"policy", "account", "browsers", "recovery_code_set", "context", "codec", "events"},
    4: {"rules", "ceremonies", "from_other_libraries"},
    5: {"store", "sealing", "key_ring", "threads", "engine", "mfa", "migration"},
    6: {"stores", "qr", "integrations", "testing", "operations", "web", "__main__"},
}
"""The packages and modules of each layer; a new one is added here."""

BENEATH = {"rules": {"ceremonies", "from_other_libraries"}}
"""Packages that import nothing of these, though they are of the same layer: the verbs stand above their rules."""

STANDARDS = 2
"""The layer whose packages import nothing of one another."""

FIRST_WITH_IO = 5
"""The lowest layer that may reach a clock, I/O, a log or randomness."""

ADAPTERS = 6
"""The layer of the adapters."""

PURE = {
    *("__future__", "abc", "base64", "binascii", "calendar", "collections", "contextlib", "copy", "enum", "fractions"),
    *("functools", "hashlib", "hmac", "html", "ipaddress", "itertools", "json", "math", "operator", "re", "string"),
    *("struct", "textwrap", "types", "typing", "unicodedata", "urllib.parse"),
}
"""What layers 0 to 4 may import of the standard library: no clock, no I/O, no logging, no randomness."""

PURE_PARTS = {"codecs": {"BOM_UTF8"}, "io": {"BytesIO"}, "uuid": {"UUID"}, "sys": {"_getframe"}, "warnings": {"warn"}}
"""What is pure in modules that are not."""

IMPURE_CALLS = {"open", "print", "input", "eval", "exec", "compile", "breakpoint", "__import__"}
"""Builtins that layers 0 to 4 do not call."""

RANDOM_MAKERS = {"generate_private_key", "generate_key", "generate_parameters", "random_serial_number"}
"""How ``cryptography`` draws randomness: layers 0 to 4 do not."""

CORE = {"attrs", "cbor2", "cryptography"}
"""The packages that layers 0 to 5 may import."""

EXTRAS = {
    "qr": {"segno"},
    "stores._psycopg": {"psycopg"},
    "stores.sqlalchemy": {"sqlalchemy"},
    "stores.postgres": {"psycopg", "psycopg_pool"},
    "stores.redis": {"redis"},
    "web.rendering": {"jinja2"},
    "integrations.starlette": {"starlette", "jinja2"},
    "integrations.flask": {"flask", "jinja2"},
    "integrations.django": {"asgiref", "django", "psycopg"},
    "operations.store_urls": {"psycopg", "redis", "sqlalchemy"},
}
"""The packages that a package of layer 6 may import besides those."""

BUILT_ON = {"integrations": {"web"}, "testing": {"web"}, "web": {"web", "qr"}, "operations": {"qr"}}
"""The adapters that a package may import: pages and the command show QR codes, adapters of frameworks the pages."""

MAX_LINES = 300


@attrs.frozen
class Import:
    """One import: the module that it names, and where."""

    target: str
    line: int


@attrs.frozen
class Module:
    """One file of the package; ``name`` is dotted and starts below the package ("" for the package itself)."""

    name: str
    path: Path
    is_package: bool
    source: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The first part of the name: a package, or a module of the top."""
        return self.name.partition(".")[0]

    @property
    def layer(self) -> int | None:
        """The layer of the module's package; None for the package's ``__init__`` and for what has no layer."""
        return layer_of(self.name)


def layer_of(name: str) -> int | None:
    """Return the layer of a dotted name below the package, or None."""
    package = name.partition(".")[0]
    return next((layer for layer, packages in LAYERS.items() if package in packages), None)


def read(root: Path) -> list[Module]:
    """Return the modules of the package at ``root``, sorted by name."""
    modules = []
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        source = path.read_text(encoding="utf-8")
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module(name, path, is_package, source, ast.parse(source)))
    return sorted(modules, key=lambda module: module.name)


def imports(module: Module, names: set[str]) -> Iterator[Import]:
    """Yield each import of a module: ``ram_mfa.otp.totp`` for the package's own, ``datetime`` for others.

    ``names`` are the dotted names of the package's modules: they decide whether ``from .otp import totp`` names
    a module or something in one.
    """
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = [PACKAGE, *module.name.split(".")] if module.name else [PACKAGE]
                up = node.level - (1 if module.is_package else 0)
                parts = parts[: len(parts) - up]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                is_module = inner.removeprefix(f"{PACKAGE}.") in names or inner in PURE or base in PURE_PARTS
                yield Import(inner if is_module else base, node.lineno)


def own(target: str) -> str | None:
    """Return the dotted name below the package, or None where the target is not of this package."""
    if target == PACKAGE:
        return ""
    return target.removeprefix(f"{PACKAGE}.") if target.startswith(f"{PACKAGE}.") else None


def _each(modules: list[Module]) -> Iterator[tuple[Module, Import]]:
    names = {module.name for module in modules}
    for module in modules:
        for one in imports(module, names):
            yield module, one


def unassigned(modules: list[Module]) -> list[str]:
    """Find modules whose package has no layer."""
    return [f"{module.name}: in which layer?" for module in modules if module.name and module.layer is None]


def upward(modules: list[Module]) -> list[str]:
    """Find imports of a higher layer, of what is above in the same one, of the package itself, and of no layer."""
    complaints = []
    for module, one in _each(modules):
        name = own(one.target)
        if name is None:
            continue
        if not name:
            complaints.append(f"{module.name}:{one.line}: imports ram_mfa itself")
            continue
        target, layer = layer_of(name), FIRST_WITH_IO if not module.name else module.layer
        if layer is not None and (target is None or target > layer):
            complaints.append(f"{module.name}:{one.line}: imports {name}, layer {target}, from layer {layer}")
        elif name.partition(".")[0] in BENEATH.get(module.package, ()):
            complaints.append(f"{module.name}:{one.line}: imports {name}, which is above it")
    return complaints


def sideways(modules: list[Module]) -> list[str]:
    """Find imports of one standard by another: what two of them share belongs in a layer below both."""
    complaints = []
    for module, one in _each(modules):
        name = own(one.target)
        if name and module.layer == STANDARDS == layer_of(name) and name.partition(".")[0] != module.package:
            complaints.append(f"{module.name}:{one.line}: imports {name}, another standard")
    return complaints


def cycles(modules: list[Module]) -> list[str]:
    """Find modules, and packages, that import one another in a circle."""
    edges, packages = set(), set()
    for module, one in _each(modules):
        name = own(one.target)
        if name is None:
            continue
        edges.add((module.name, name))
        if module.package != name.partition(".")[0]:
            packages.add((module.package, name.partition(".")[0]))
    complaints = []
    for graph in (edges, packages):
        sorter = graphlib.TopologicalSorter[str]()
        for start, end in sorted(graph):
            sorter.add(start, end)
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            complaints.append("a circle: " + " <- ".join(error.args[1]))
    return complaints


def impure(modules: list[Module]) -> list[str]:
    """Find, below layer 5, imports and calls that reach a clock, I/O, a log or randomness."""
    low = [module for module in modules if module.layer is not None and module.layer < FIRST_WITH_IO]
    complaints = []
    for module, one in _each(low):
        package, _, part = one.target.partition(".")
        if package not in sys.stdlib_module_names or package in PURE or one.target in PURE:
            continue
        used = {part} if part else _uses(module, package)
        if not used <= PURE_PARTS.get(package, set()):
            complaints.append(f"{module.name}:{one.line}: {one.target} is not among the pure modules")
    for module in low:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Name) and node.id in IMPURE_CALLS:
                complaints.append(f"{module.name}:{node.lineno}: names {node.id}")
            if isinstance(node, ast.Attribute) and node.attr in RANDOM_MAKERS:
                complaints.append(f"{module.name}:{node.lineno}: draws randomness by {node.attr}")
    return sorted(complaints)


def _uses(module: Module, imported: str) -> set[str]:
    """Return what a module uses of an import by name, ``import io`` and then ``io.BytesIO``; "" is the whole of it."""
    attributes = [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    inside = {id(node.value): node.attr for node in attributes}
    names = [node for node in ast.walk(module.tree) if isinstance(node, ast.Name) and node.id == imported]
    return {inside.get(id(name), "") for name in names} or {""}


def adapters(modules: list[Module]) -> list[str]:
    """Find imports of an adapter: by another package of layer 6 (below it, ``upward`` finds them), or by a neighbour.

    What stores share (``stores._...``) every store may use, a framework's too. The command line is left out: there a
    store is chosen by its URL.
    """
    complaints = []
    for module, one in _each(modules):
        name = own(one.target)
        if (
            not name
            or layer_of(name) != ADAPTERS
            or module.layer != ADAPTERS
            or module.package in {"__main__", "operations"}
        ):
            continue
        shared = name.rpartition(".")[2].startswith("_") or name.count(".") == 0
        neighbours = module.package == name.partition(".")[0] and (module.package == "testing" or shared)
        inside = module.name.split(".")[:2] == name.split(".")[:2]
        built_on = name.partition(".")[0] in BUILT_ON.get(module.package, set())
        if not (neighbours or inside or built_on or name.startswith("stores._")):
            complaints.append(f"{module.name}:{one.line}: imports the adapter {name}")
    return complaints


def foreign(modules: list[Module]) -> list[str]:
    """Find imports of packages that the module's layer, or its extra, does not have."""
    complaints = []
    for module, one in _each(modules):
        package = one.target.partition(".")[0]
        if package == PACKAGE or package in sys.stdlib_module_names:
            continue
        extra = next((EXTRAS[name] for name in EXTRAS if f"{module.name}.".startswith(f"{name}.")), set())
        if package not in CORE | extra:
            complaints.append(f"{module.name}:{one.line}: imports {package}, which it does not have")
    return complaints


def misshapen(modules: list[Module]) -> list[str]:
    """Find files that are too long, or do not open with the SPDX line and a docstring."""
    complaints = []
    for module in modules:
        lines = module.source.splitlines()
        if len(lines) > MAX_LINES:
            complaints.append(f"{module.name}: {len(lines)} lines, more than {MAX_LINES}")
        if lines[:1] != ["# SPDX-License-Identifier: Apache-2.0"]:
            complaints.append(f"{module.name}: does not open with the SPDX line")
        if not ast.get_docstring(module.tree):
            complaints.append(f"{module.name}: has no docstring")
    return complaints


def package_init(modules: list[Module]) -> list[str]:
    """Find anything in the package's ``__init__`` but a docstring, imports, ``__version__`` and ``__all__``."""
    return [
        f"__init__:{node.lineno}: {ast.unparse(node).splitlines()[0]}"
        for module in modules
        if not module.name
        for node in module.tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        and not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__")
        and not (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "__version__")
    ]
