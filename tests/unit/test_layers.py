# SPDX-License-Identifier: Apache-2.0
"""The layers hold: no file imports upward, nothing below layer 5 reaches a clock, I/O, a log or randomness.

Every check is run over the real tree, and over made-up ones in which it must find something.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ram_mfa
from tests.support import layers

TOP = Path(__file__).parents[2]
HEAD = '# SPDX-License-Identifier: Apache-2.0\n"""A made-up module."""\n'


@pytest.fixture(scope="module")
def package():
    return layers.read(TOP / "src" / layers.PACKAGE)


@pytest.fixture
def built(tmp_path):
    """Builds a made-up tree of files, each with the usual head, and reads it."""

    def build(files):
        for path, source in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(HEAD + source, encoding="utf-8")
        return layers.read(tmp_path)

    return build


class TestTheRealTree:
    def test_it_was_read(self, package):
        """The walk sees the package: an empty walk would find no fault."""
        assert {"", "errors", "refusals", "_secret"} <= {module.name for module in package}
        assert any(
            layers.own(one.target) == "errors" for module in package for one in layers.imports(module, {"errors"})
        )

    def test_every_package_has_a_layer(self, package):
        """A new package is given its layer before it is used."""
        assert layers.unassigned(package) == []

    def test_no_file_imports_upward(self, package):
        """A file imports its own layer and the layers below, for type checkers too."""
        assert layers.upward(package) == []

    def test_no_standard_imports_another(self, package):
        """OTP, U2F and WebAuthn share what is in the layers below them, and nothing of one another."""
        assert layers.sideways(package) == []

    def test_no_circles(self, package):
        """Neither modules nor packages import one another in a circle."""
        assert layers.cycles(package) == []

    @pytest.mark.requirement("O4", "O10")
    def test_pure_below_layer_five(self, package):
        """No clock, no I/O, no logging, no secrets, no random in layers 0 to 4."""
        assert layers.impure(package) == []

    def test_nothing_imports_adapters(self, package):
        """A store, a framework or the QR code is imported by its own path, by the application."""
        assert layers.adapters(package) == []

    def test_core_imports_three_packages(self, package):
        """Layers 0 to 5 need attrs, cbor2 and cryptography; each extra is imported in its own package alone."""
        assert layers.foreign(package) == []

    def test_every_file_opens_with_its_purpose(self, package):
        """The SPDX line, a docstring, and at most 300 lines."""
        assert layers.misshapen(package) == []

    def test_the_package_only_re_exports(self, package):
        """Nothing is decided in the package's __init__."""
        assert layers.package_init(package) == []

    def test_importing_the_package_init_loads_no_adapter(self):
        """Whoever imports the package pays for no extra, no driver, and nothing of layer 6."""
        program = "import sys, ram_mfa; print('\\n'.join(sys.modules))"
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        loaded = set(found.stdout.split())
        assert layers.PACKAGE in loaded
        extras = {package for packages in layers.EXTRAS.values() for package in packages}
        assert loaded & {"sqlite3", *extras} == set()
        assert {name for name in loaded if layers.layer_of(layers.own(name) or "") == layers.ADAPTERS} == set()

    def test_the_layers_are_those_of_the_package_data(self):
        """The packages that the layers allow are those that the project declares, and none stands in two layers."""
        project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert {name.partition(">")[0] for name in project["dependencies"]} == layers.CORE
        declared = {
            name.partition(">")[0].partition("[")[0]
            for names in project["optional-dependencies"].values()
            for name in names
        }
        used = {package for packages in layers.EXTRAS.values() for package in packages} - {"psycopg_pool"}
        assert declared == used
        assert project["version"] == ram_mfa.__version__
        packages = [package for packages in layers.LAYERS.values() for package in packages]
        assert len(packages) == len(set(packages))


class TestEachCheckCanFail:
    """On made-up trees: one that must be found, beside one that must not."""

    @pytest.mark.parametrize("path", ["attic.py", "cellar/wine.py"])
    def test_unassigned(self, built, path):
        """A package without a layer is found."""
        assert layers.unassigned(built({"errors.py": "", "otp/totp.py": "", path: ""})) == [
            f"{path[:-3].replace('/', '.')}: in which layer?"
        ]

    @pytest.mark.parametrize(
        ("path", "line"),
        [
            ("errors.py", "from .otp import totp"),
            ("errors.py", "from . import otp"),
            ("errors.py", "import ram_mfa.otp.totp"),
            ("errors.py", "from ram_mfa.otp import totp"),
            ("otp/totp.py", "from ..policy import MFAPolicy"),
            ("otp/__init__.py", "from ..policy import MFAPolicy"),
            ("policy.py", "from .ceremonies.logon import Logon"),
            ("policy.py", "def late():\n    from .ceremonies import logon"),
            ("policy.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .ceremonies import logon"),
            ("errors.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .otp import totp"),
            ("ceremonies/logon.py", "from ..mfa import MFA"),
            ("ceremonies/logon.py", "from ..engine.loop import turn"),
            ("rules/tickets.py", "from ..ceremonies import logon"),
            ("mfa.py", "from .stores.memory import MemoryStore"),
            ("store.py", "from .testing import check_store"),
            ("__init__.py", "from .stores.memory import MemoryStore"),
            ("otp/totp.py", "from .. import VERSION"),
            ("otp/totp.py", "from ..attic import dust"),
        ],
    )
    def test_upward(self, built, path, line):
        """An import of a higher layer is found however it is written; the same tree without it is clean."""
        tree = {
            "__init__.py": "",
            "errors.py": "",
            "otp/__init__.py": "from .totp import TOTP",
            "policy.py": "",
            "otp/totp.py": "from ..errors import MFAError",
            "ceremonies/logon.py": "from ..policy import MFAPolicy\nfrom ..rules import tickets",
            "rules/tickets.py": "",
            "mfa.py": "from .engine.loop import turn",
            "engine/loop.py": "from ..ceremonies import logon",
            "store.py": "",
            "stores/memory.py": "from ..store import Store",
            "testing/__init__.py": "from ..mfa import MFA",
        }
        assert layers.upward(built(tree)) == []
        assert len(layers.upward(built({**tree, path: line}))) == 1

    @pytest.mark.parametrize(
        "line", ["from ..u2f.facets import AppID", "from ..u2f import AppID", "from .. import otp"]
    )
    def test_sideways(self, built, line):
        """An import of another standard is found, of its public names too; one of a layer below is allowed."""
        tree = {
            "errors.py": "",
            "signatures/p256.py": "from ..encoding import der",
            "encoding/der.py": "from ..errors import MalformedMessage",
            "otp/__init__.py": "",
            "u2f/__init__.py": "from .facets import AppID",
            "u2f/facets.py": "from ..signatures.p256 import load_p256",
            "webauthn/app_id.py": "from ..signatures import p256",
            "policy.py": "from .u2f import AppID",
        }
        assert layers.sideways(built(tree)) == []
        assert len(layers.sideways(built({**tree, "webauthn/app_id.py": line}))) == 1

    def test_cycles_of_modules(self, built):
        """Three modules in a circle are found; a chain is none."""
        chain = {"otp/a.py": "from .b import x", "otp/b.py": "from . import c", "otp/c.py": ""}
        assert layers.cycles(built(chain)) == []
        assert layers.cycles(built({**chain, "otp/c.py": "def late():\n    from ..otp.a import x"})) != []

    def test_cycles_of_packages(self, built):
        """Two packages that lean on one another are found, although no two modules do."""
        tree = {"otp/a.py": "from ..u2f.b import x", "u2f/b.py": "", "u2f/c.py": "", "otp/d.py": ""}
        assert layers.cycles(built(tree)) == []
        assert layers.cycles(built({**tree, "u2f/c.py": "from ..otp import d"})) != []

    def test_cycles_for_type_checkers(self, built):
        """An import that only type checkers see counts like any other."""
        for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .refusals import Refusal"
        assert layers.cycles(built({"errors.py": for_types, "refusals.py": ""})) == []
        assert layers.cycles(built({"errors.py": for_types, "refusals.py": "from .errors import MFAError"})) != []

    @pytest.mark.parametrize(
        "line",
        [
            *(f"import {name}" for name in ("time", "datetime", "os", "os.path", "io", "pathlib", "socket", "sqlite3")),
            *(
                f"import {name}"
                for name in ("logging", "secrets", "random", "uuid", "asyncio", "threading", "warnings")
            ),
            *(f"import {name}" for name in ("urllib.request", "http.client", "subprocess", "tempfile", "importlib")),
            "from datetime import UTC",
            "from os import urandom",
            "import io\nx = io.open('x')",
            "import io as harmless",
            "import io\nx = [io, io.BytesIO()]",
            "from uuid import UUID, uuid4",
            "import codecs\nx = codecs.BOM_UTF8, codecs.open",
            "from urllib import request",
            "def late():\n    from time import time",
            "open('x')",
            "x = open",
            "print('x')",
            "__import__('time')",
            "eval('1')",
            "key = ec.generate_private_key(curve)",
            "number = x509.random_serial_number()",
        ],
    )
    @pytest.mark.parametrize("path", ["errors.py", "otp/totp.py", "account.py", "ceremonies/logon.py"])
    def test_impure(self, built, path, line):
        """A clock, I/O, a log or randomness is found below layer 5, and allowed in layer 5."""
        pure = (
            "import hmac\nimport json\nfrom collections.abc import Mapping\nfrom urllib.parse import quote\n"
            "from io import BytesIO\nfrom uuid import UUID\n"
        )
        parts = "import io\nimport uuid\nx = io.BytesIO(), uuid.UUID(int=1)\n"
        assert layers.impure(built({path: pure + parts})) == []
        assert layers.impure(built({path: pure, "mfa.py": line})) == []
        assert len(layers.impure(built({path: pure + line}))) == 1

    @pytest.mark.parametrize(
        ("path", "line"),
        [
            ("stores/sqlite.py", "from .memory import MemoryStore"),
            ("integrations/django/store.py", "from ...stores.sqlite import SQLiteStore"),
            ("testing/kit.py", "from ..stores.memory import MemoryStore"),
            ("testing/kit.py", "from ..qr import svg"),
            ("qr.py", "from .testing.kit import app"),
        ],
    )
    def test_adapters(self, built, path, line):
        """An adapter that leans on another is found; what a package keeps for itself is not."""
        tree = {
            "stores/memory.py": "",
            "stores/sqlite.py": "from ._shared import x",
            "stores/_shared.py": "",
            "qr.py": "",
            "integrations/django/store.py": "from .models import Record\nfrom ...stores._shared import x",
            "integrations/django/models.py": "",
            "testing/__init__.py": "from .kit import x",
            "testing/kit.py": "from .clock import y",
            "testing/clock.py": "",
            "__main__.py": "from .stores.sqlite import SQLiteStore",
        }
        assert layers.adapters(built(tree)) == []
        assert len(layers.adapters(built({**tree, path: line}))) == 1

    @pytest.mark.parametrize(
        ("path", "line"),
        [
            ("otp/totp.py", "import pyotp"),
            ("mfa.py", "import sqlalchemy"),
            ("stores/sqlite.py", "import sqlalchemy"),
            ("stores/sqlalchemy.py", "from redis import Redis"),
            ("testing/kit.py", "import pytest"),
            ("qr.py", "def late():\n    import PIL.Image"),
        ],
    )
    def test_foreign(self, built, path, line):
        """A dependency that a package does not have is found."""
        tree = {
            "otp/totp.py": "import cryptography.hazmat",
            "qr.py": "import segno",
            "mfa.py": "import attrs, asyncio",
            "stores/sqlalchemy.py": "from sqlalchemy import text",
            "stores/postgres/pool.py": "import psycopg_pool",
            "stores/sqlite.py": "import sqlite3",
        }
        assert layers.foreign(built(tree)) == []
        assert len(layers.foreign(built({**tree, path: line}))) == 1

    def test_misshapen(self, built, tmp_path):
        """A file that is too long, has no SPDX line, or has no docstring is found."""
        assert layers.misshapen(built({"errors.py": "x = 1\n" * 298})) == []
        assert len(layers.misshapen(built({"errors.py": "x = 1\n" * 299}))) == 1
        (tmp_path / "errors.py").write_text('"""Spans."""\n', encoding="utf-8")
        assert layers.misshapen(layers.read(tmp_path)) == ["errors: does not open with the SPDX line"]
        (tmp_path / "errors.py").write_text("# SPDX-License-Identifier: Apache-2.0\n", encoding="utf-8")
        assert layers.misshapen(layers.read(tmp_path)) == ["errors: has no docstring"]

    @pytest.mark.parametrize("line", ["x = 1", "def f(): ...", "if True:\n    from .otp import x", "register()"])
    def test_package_init(self, built, line):
        """Anything but re-exported names is found in the package's ``__init__``."""
        init = 'from .mfa import MFA as MFA\n__version__: str = "1"\n__all__ = ["MFA"]\n'
        assert layers.package_init(built({"__init__.py": init, "otp/__init__.py": line})) == []
        assert len(layers.package_init(built({"__init__.py": init + line}))) == 1
