# SPDX-License-Identifier: Apache-2.0
"""`python -m ram_mfa` from outside: how it is asked, how it ends, and what it never says."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ram_mfa import __main__ as command
from ram_mfa import __version__, errors
from ram_mfa.stores.sqlite import SQLiteStore
from tests.support.command import PATIENCE, Site, figures
from tests.support.races import ALL_THE_TIME

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
ACTIONS = ("create", "open", "reseal", "report", "check")
PASSWORD = "s3cr%40t-of-the-url"
PLAIN = "s3cr@t-of-the-url"


@pytest.fixture
def site(tmp_path):
    path = str(tmp_path / "mfa.db")
    return Site(path, lambda: SQLiteStore(path, deadline=ALL_THE_TIME, synchronous="UnsafeNORMAL"), tmp_path)


def ask(*words, env=None):
    """Run the command with these words and nothing else."""
    environment = {name: value for name, value in os.environ.items() if name != "RAM_MFA_STORE"} | (env or {})
    done = subprocess.run(
        [sys.executable, "-m", "ram_mfa", *words], env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    return done.returncode, done.stdout, done.stderr


class TestHelp:
    @pytest.mark.parametrize("words", [(), ("store",), *(("store", action) for action in ACTIONS)])
    def test_is_given_at_each_level(self, words, capsys):
        with pytest.raises(SystemExit) as ended:
            command.main([*words, "--help"])
        assert ended.value.code == 0
        out = capsys.readouterr().out
        assert out.startswith(f"usage: python -m ram_mfa {' '.join(words)}".rstrip())
        if words:
            assert all(f"  {code} " in out for code in (0, 1, 2, 3, 4, 70, 130, 141))

    def test_version(self, capsys):
        """The version is the package's, and the project's."""
        with pytest.raises(SystemExit) as ended:
            command.main(["--version"])
        assert ended.value.code == 0
        assert capsys.readouterr().out == f"ram_mfa {__version__}\n"
        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        assert project["version"] == __version__
        module, _, name = project["scripts"]["ram-mfa"].partition(":")
        assert getattr(importlib.import_module(module), name) is command.main

    def test_names_the_script(self, monkeypatch, capsys):
        """Started as the installed script, the usage line says so."""
        monkeypatch.setattr(sys, "argv", ["/usr/local/bin/ram-mfa"])
        with pytest.raises(SystemExit):
            command.main(["user", "show", "--help"])
        assert capsys.readouterr().out.startswith("usage: ram-mfa user show ")

    def test_as_a_process(self):
        code, out, err = ask("store", "--help")
        assert (code, err) == (0, "")
        assert all(re.search(rf"^    {action} ", out, flags=re.MULTILINE) for action in ACTIONS)


class TestUsage:
    @pytest.mark.parametrize(
        "words",
        [
            (),
            ("store",),
            ("shop",),
            ("store", "burn"),
            ("store", "open"),
            ("store", "open", "--store", "x.db"),
            ("store", "open", "--unsafe-plaintext"),
            ("store", "open", "--store", "x.db", "--store-file", "f", "--unsafe-plaintext"),
            ("store", "open", "--store", "x.db", "--unsafe-plaintext", "--deadline", "0"),
            ("store", "open", "--store", "x.db", "--unsafe-plaintext", "--deadline", "soon"),
            ("store", "open", "--store", "x.db", "--unsafe-plaintext", "more"),
            ("store", "open", "--store", "x.db", "--seal-key", "2026"),
            ("store", "report", "--store", "x.db", "--unsafe-plaintext", "--format", "xml"),
        ],
    )
    def test_what_cannot_be_asked(self, words, capsys, monkeypatch):
        """One line on the error stream, nothing on the other, exit code 2."""
        monkeypatch.delenv("RAM_MFA_STORE", raising=False)
        assert command.main(words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(r"ram_mfa: .+ \(--help says more\)\n", err)

    def test_three_ways_to_say_where(self, site, monkeypatch):
        """As an argument, from the environment, from a file that others cannot read; an argument comes first."""
        site.populate([])
        key = ("--seal-key", f"old={site.key_file('old')}")
        file = site.folder / "url"
        file.touch(0o600)
        file.write_text(f"{site.url}\n", encoding="utf-8")
        monkeypatch.delenv("RAM_MFA_STORE", raising=False)
        assert command.main(["store", "open", "--store", site.url, *key]) == 0
        assert command.main(["store", "open", "--store-file", str(file), *key]) == 0
        monkeypatch.setenv("RAM_MFA_STORE", site.url)
        assert command.main(["store", "open", *key]) == 0
        monkeypatch.setenv("RAM_MFA_STORE", "nowhere.db")
        assert command.main(["store", "open", *key]) == 4
        assert command.main(["store", "open", "--store", site.url, *key]) == 0
        file.chmod(0o644)
        assert command.main(["store", "open", "--store-file", str(file), *key]) == 2
        file.chmod(0o600)
        file.write_bytes(b"\xff")
        assert command.main(["store", "open", "--store-file", str(file), *key]) == 2

    def test_plaintext_by_its_name(self, site, capsys):
        """A store of development, without a seal."""
        where = ("--store", site.url, "--unsafe-plaintext")
        for action in ACTIONS:
            assert command.main(["store", action, *where]) == 0
        assert "sealed under plaintext: 1\n" in capsys.readouterr().out


class TestSecrets:
    @pytest.mark.requirement("O20")
    @pytest.mark.parametrize(
        "words",
        [
            ("store", "open", "--store", "{url}", "--seal-key", "{key}"),
            ("store", "open", "{url}", "--seal-key", "{key}"),
            ("store", "{url}"),
            ("{url}",),
            ("store", "open", "--stoer={url}", "--seal-key", "{key}"),
            ("store", "open", "--quiet={url}", "--seal-key", "{key}"),
            ("store", "open", "--deadline", "{url}", "--seal-key", "{key}"),
            ("store", "open", "--store", "{url}", "--seal-key", "{url}"),
            ("store", "open", "--store", "{url}", "--seal-key", "x={url}"),
            ("store", "open", "--store", "x{url}", "--seal-key", "{key}"),
            ("store", "open", "--store-file", "{url}", "--seal-key", "{key}"),
            ("store", "report", "--store", "{url}", "--seal-key", "{key}", "--format", "{url}"),
            ("store", "report", "--store", "{url}", "--seal-key", "{key}", "--policy", "{url}"),
        ],
    )
    @pytest.mark.parametrize("scheme", ["postgresql", "redis", "sqlalchemy+mysql+pymysql", "sqlalchemy+nothing"])
    def test_no_password_is_repeated(self, words, scheme, site, capsys):
        """Wherever the URL was put by mistake, and wherever nobody listens."""
        url = f"{scheme}://mfa:{PASSWORD}@127.0.0.1:1/0"
        given = [word.format(url=url, key=f"old={site.key_file('old')}") for word in words]
        assert command.main([*given]) in {2, 3}
        said = "".join(capsys.readouterr())
        assert said.startswith("ram_mfa: ")
        assert PASSWORD not in said
        assert PLAIN not in said

    @pytest.mark.requirement("O20")
    @pytest.mark.parametrize("action", ACTIONS)
    def test_no_key_is_shown(self, action, site, capsys):
        """Neither raw nor as text, by any action."""
        site.populate(["alice"])
        file = site.folder / "text.key"
        file.touch(0o600)
        file.write_text("6f" * 32, encoding="utf-8")
        command.main(["store", action, "--store", site.url, "--seal-key", f"old={file}"])
        said = "".join(capsys.readouterr())
        assert said
        assert "6f6f" not in said
        assert "oooo" not in said

    def test_a_fault_of_the_program_hides_it_too(self, site, monkeypatch, capsys):
        """What nobody expected is told with its traceback, exit code 70, and still without the password."""

        def broken(*_):
            raise RuntimeError(f"{PASSWORD} {PLAIN}")

        monkeypatch.setattr(command, "perform", broken)
        url = f"redis://mfa:{PASSWORD}@127.0.0.1:1/0"
        assert command.main(["store", "open", "--store", url, "--seal-key", f"old={site.key_file('old')}"]) == 70
        err = capsys.readouterr().err
        assert "RuntimeError: *** ***" in err
        assert PLAIN not in err


class TestEnds:
    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (errors.StoreUnavailable("down"), 3),
            (errors.StoreUncertain(), 3),
            (errors.StoreContended(), 3),
            (errors.HistoryLost("7"), 3),
            (errors.UnreadableRecord("r", "broken"), 1),
            (KeyboardInterrupt(), 130),
            (OSError(28, "No space left on device"), 2),
        ],
    )
    def test_each_error_has_its_code(self, error, code, site, monkeypatch, capsys):
        """One line, no traceback."""

        def failing(*_):
            raise error

        monkeypatch.setattr(command, "perform", failing)
        words = ["store", "open", "--store", site.url, "--seal-key", f"old={site.key_file('old')}"]
        assert command.main(words) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("ram_mfa: ")
        assert err.count("\n") == 1

    def test_each_deed_as_a_process(self, site):
        """A life of a store, from its creation to its new key."""
        site.populate(["alice", "bob"])
        assert site.run("open")[0] == 0
        code, out, err = site.run("reseal", keys=("new", "old"))
        assert (code, err, figures(out)["resealed"]) == (0, "", "3")
        assert site.run("check", keys=("new",))[0] == 0
        code, out, err = site.run("report", keys=("new",))
        assert (code, err, out.count("\n")) == (0, "", 3)
        assert site.run("open", keys=("old",))[0] == 1

    def test_a_bar_on_a_terminal(self, site):
        """Progress goes to the terminal, and results to the other stream alone."""
        site.populate([f"user {number}" for number in range(50)])
        ours, theirs = pty.openpty()
        words = [word for word in site.words("reseal", keys=("new", "old")) if word != "--quiet"]
        process = subprocess.Popen(words, env=site.environment(), stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        out, _ = process.communicate(timeout=PATIENCE)
        shown = b""
        with contextlib.suppress(OSError):  # nobody writes there any more
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
        assert b"records:" not in shown
        assert process.returncode == 0
        assert figures(io.TextIOWrapper(io.BytesIO(out)).read())["resealed"] == "51"


def test_nothing_else_is_touched(site, tmp_path, monkeypatch):
    """The command writes where it is told to, and nowhere else."""
    monkeypatch.chdir(tmp_path)
    site.populate(["alice"])
    before = sorted(Path(tmp_path).iterdir())
    for action in ("open", "report", "check", "reseal"):
        assert site.call(action)[0] == 0
    assert sorted(Path(tmp_path).iterdir()) == before
