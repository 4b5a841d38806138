# SPDX-License-Identifier: Apache-2.0
"""The house stands: no file imports upward, nothing below layer 5 reaches a clock, I/O, a log or randomness.

Every check is run over the real tree, and over made-up ones in which it must find something.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ram_mfa
from tests.support import floors

TOP = Path(__file__).parents[2]
HEAD = '# SPDX-License-Identifier: Apache-2.0\n"""What lives here."""\n'


@pytest.fixture(scope="module")
def house():
    return floors.read(TOP / "src" / floors.PACKAGE)


@pytest.fixture
def built(tmp_path):
    """Builds a made-up tree of files, each with the usual head, and reads it."""

    def build(files):
        for path, source in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(HEAD + source, encoding="utf-8")
        return floors.read(tmp_path)

    return build


class TestTheRealTree:
    def test_it_was_read(self, house):
        """The walk sees the package: an empty walk would find no fault."""
        assert {"", "errors", "refusals", "_secret"} <= {module.name for module in house}
        assert any(floors.own(one.target) == "errors" for module in house for one in floors.imports(module, {"errors"}))

    def test_every_room_has_a_floor(self, house):
        """A new room is given its floor before it is used."""
        assert floors.homeless(house) == []

    def test_no_file_imports_upward(self, house):
        """A file imports its own floor and the floors below, for type checkers too."""
        assert floors.upward(house) == []

    def test_no_standard_imports_another(self, house):
        """OTP, U2F and WebAuthn share what is in the layers below them, and nothing of one another."""
        assert floors.sideways(house) == []

    def test_no_circles(self, house):
        """Neither modules nor rooms import one another in a circle."""
        assert floors.cycles(house) == []

    @pytest.mark.requirement("O4", "O10")
    def test_pure_below_floor_four(self, house):
        """No clock, no I/O, no logging, no secrets, no random in layers 0 to 4."""
        assert floors.impure(house) == []

    def test_nothing_imports_adapters(self, house):
        """A store, a framework or the QR code is imported by its own path, by the application."""
        assert floors.adapters(house) == []

    def test_core_imports_three_packages(self, house):
        """Layers 0 to 5 need attrs, cbor2 and cryptography; each extra is imported in its own room alone."""
        assert floors.foreign(house) == []

    def test_every_file_opens_with_its_purpose(self, house):
        """The licence's line, a docstring, and at most 300 lines."""
        assert floors.misshapen(house) == []

    def test_the_front_door_only_re_exports(self, house):
        """Nothing is decided in the package's __init__."""
        assert floors.front_door(house) == []

    def test_importing_the_front_door_loads_no_adapter(self):
        """Whoever imports the package pays for no extra, no driver, and nothing of layer 6."""
        program = "import sys, ram_mfa; print('\\n'.join(sys.modules))"
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        loaded = set(found.stdout.split())
        assert floors.PACKAGE in loaded
        extras = {package for packages in floors.EXTRAS.values() for package in packages}
        assert loaded & {"sqlite3", *extras} == set()
        assert {name for name in loaded if floors.floor_of(floors.own(name) or "") == floors.ADAPTERS} == set()

    def test_the_floors_are_those_of_the_package_data(self):
        """The packages that the floors allow are those that the project declares, and no room stands twice."""
        project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert {name.partition(">")[0] for name in project["dependencies"]} == floors.CORE
        declared = {
            name.partition(">")[0].partition("[")[0]
            for names in project["optional-dependencies"].values()
            for name in names
        }
        used = {package for packages in floors.EXTRAS.values() for package in packages} - {"psycopg_pool"}
        assert declared == used
        assert project["version"] == ram_mfa.__version__
        rooms = [room for rooms in floors.ROOMS.values() for room in rooms]
        assert len(rooms) == len(set(rooms))


class TestEachCheckCanFail:
    """On made-up trees: one that must be found, beside one that must not."""

    @pytest.mark.parametrize("path", ["attic.py", "cellar/wine.py"])
    def test_homeless(self, built, path):
        """A room that nobody gave a floor is found."""
        assert floors.homeless(built({"errors.py": "", "otp/totp.py": "", "_loop_sync.py": "", path: ""})) == [
            f"{path[:-3].replace('/', '.')}: on which floor?"
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
            ("ceremonies/logon.py", "from .._loop import turn"),
            ("rules/tickets.py", "from ..ceremonies import logon"),
            ("mfa.py", "from .stores.memory import MemoryStore"),
            ("store.py", "from .testing import check_store"),
            ("__init__.py", "from .stores.memory import MemoryStore"),
            ("otp/totp.py", "from .. import VERSION"),
            ("otp/totp.py", "from ..attic import dust"),
        ],
    )
    def test_upward(self, built, path, line):
        """An import of a higher floor is found however it is written; the same tree without it is clean."""
        tree = {
            "__init__.py": "",
            "errors.py": "",
            "otp/__init__.py": "from .totp import TOTP",
            "policy.py": "",
            "otp/totp.py": "from ..errors import MFAError",
            "ceremonies/logon.py": "from ..policy import MFAPolicy\nfrom ..rules import tickets",
            "rules/tickets.py": "",
            "mfa.py": "from ._loop import turn",
            "_loop.py": "from .ceremonies import logon",
            "store.py": "",
            "stores/memory.py": "from ..store import Store",
            "testing/__init__.py": "from ..mfa import MFA",
        }
        assert floors.upward(built(tree)) == []
        assert len(floors.upward(built({**tree, path: line}))) == 1

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
        assert floors.sideways(built(tree)) == []
        assert len(floors.sideways(built({**tree, "webauthn/app_id.py": line}))) == 1

    def test_cycles_of_modules(self, built):
        """Three modules in a circle are found; a chain is none."""
        chain = {"otp/a.py": "from .b import x", "otp/b.py": "from . import c", "otp/c.py": ""}
        assert floors.cycles(built(chain)) == []
        assert floors.cycles(built({**chain, "otp/c.py": "def late():\n    from ..otp.a import x"})) != []

    def test_cycles_of_rooms(self, built):
        """Two rooms that lean on one another are found, although no two modules do."""
        tree = {"otp/a.py": "from ..u2f.b import x", "u2f/b.py": "", "u2f/c.py": "", "otp/d.py": ""}
        assert floors.cycles(built(tree)) == []
        assert floors.cycles(built({**tree, "u2f/c.py": "from ..otp import d"})) != []

    def test_cycles_for_type_checkers(self, built):
        """An import that only type checkers see counts like any other."""
        for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .refusals import Refusal"
        assert floors.cycles(built({"errors.py": for_types, "refusals.py": ""})) == []
        assert floors.cycles(built({"errors.py": for_types, "refusals.py": "from .errors import MFAError"})) != []

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
        assert floors.impure(built({path: pure + parts})) == []
        assert floors.impure(built({path: pure, "mfa.py": line})) == []
        assert len(floors.impure(built({path: pure + line}))) == 1

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
        """An adapter that leans on another is found; what a room keeps for itself is not."""
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
        assert floors.adapters(built(tree)) == []
        assert len(floors.adapters(built({**tree, path: line}))) == 1

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
        """A package that a room does not have is found."""
        tree = {
            "otp/totp.py": "import cryptography.hazmat",
            "qr.py": "import segno",
            "mfa.py": "import attrs, asyncio",
            "stores/sqlalchemy.py": "from sqlalchemy import text",
            "stores/postgres/pool.py": "import psycopg_pool",
            "stores/sqlite.py": "import sqlite3",
        }
        assert floors.foreign(built(tree)) == []
        assert len(floors.foreign(built({**tree, path: line}))) == 1

    def test_misshapen(self, built, tmp_path):
        """A file that is too long, has no licence line, or does not say what lives in it is found."""
        assert floors.misshapen(built({"errors.py": "x = 1\n" * 298})) == []
        assert len(floors.misshapen(built({"errors.py": "x = 1\n" * 299}))) == 1
        (tmp_path / "errors.py").write_text('"""Spans."""\n', encoding="utf-8")
        assert floors.misshapen(floors.read(tmp_path)) == ["errors: does not open with the licence's line"]
        (tmp_path / "errors.py").write_text("# SPDX-License-Identifier: Apache-2.0\n", encoding="utf-8")
        assert floors.misshapen(floors.read(tmp_path)) == ["errors: does not say what lives in it"]

    @pytest.mark.parametrize("line", ["x = 1", "def f(): ...", "if True:\n    from .otp import x", "register()"])
    def test_front_door(self, built, line):
        """Anything but names handed on is found in the front door."""
        door = 'from .mfa import MFA as MFA\n__version__: str = "1"\n__all__ = ["MFA"]\n'
        assert floors.front_door(built({"__init__.py": door, "otp/__init__.py": line})) == []
        assert len(floors.front_door(built({"__init__.py": door + line}))) == 1
