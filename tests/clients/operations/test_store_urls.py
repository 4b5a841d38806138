# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ram_mfa.operations.secret_files import Usage
from ram_mfa.operations.store_urls import StoreOptions, parse_address
from ram_mfa.stores.sqlite import SQLiteStore
from tests.support import require_module


class TestAddress:
    @pytest.mark.parametrize("form", ["{0}/mfa.db", "sqlite:///{0}/mfa.db", " {0}/mfa.db\n"])
    def test_sqlite_by_path_or_url(self, tmp_path, form):
        store = parse_address(form.format(tmp_path)).open(StoreOptions(5.0, create=True))
        assert isinstance(store, SQLiteStore)
        assert (tmp_path / "mfa.db").exists()
        store.close()

    def test_sqlite_by_a_relative_url(self, tmp_path, monkeypatch):
        """Three slashes are a relative path, four an absolute one, as SQLAlchemy has it."""
        monkeypatch.chdir(tmp_path)
        parse_address("sqlite:///a%20b.db").open(StoreOptions(5.0, create=True)).close()
        assert (tmp_path / "a b.db").exists()

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "host=db user=mfa password=s3cret",
            "oracle://mfa:s3cret@db/mfa",
            "sqlite://s3cret.db",
            "sqlite:///",
            "sqlite:///mfa.db?mode=s3cret",
            "postgresql://mfa:s3cret/x@db/mfa",
            "postgresql://mfa:1/s3cret@db/mfa",
            "postgresql://mfa:1?s3cret@db/mfa",
            "postgresql://mfa:1#s3cret@db/mfa",
            "postgresql://mfa:x@s3cret@db/mfa",
            "postgresql://mfa@db:s3cret/mfa",
            "postgresql://mfa@one,two:s3cret/mfa",
            "postgresql://mfa:x@[s3cret/mfa",
            "postgresql://db/mfa?s3cret",
            "redis://:1/s3cret@db/0",
            "sqlalchemy+postgresql+psycopg://mfa:1/s3cret@db/mfa",
            "sqlalchemy+s3cret://db",
        ],
    )
    def test_refuses_what_it_cannot_read_and_repeats_nothing(self, url):
        """A password that was not percent-encoded would else stand in the error of a driver."""
        with pytest.raises(Usage) as refused:
            parse_address(url).open(StoreOptions(5.0, create=False))
        assert "s3cret" not in str(refused.value)

    def test_options_that_the_driver_does_not_know(self):
        require_module("psycopg", "psycopg[binary]")
        with pytest.raises(Usage) as refused:
            parse_address("postgresql://db/mfa?s3cret=s3cret").open(StoreOptions(5.0, create=False))
        assert "s3cret" not in str(refused.value)

    def test_hides_passwords_in_every_form(self):
        address = parse_address("redis://mfa:a%40b%2Fc@db/0?sslpassword=d%20e&x=y")
        told = address.hide("a%40b%2Fc, a@b/c, d e, x, redis://mfa:other@db, postgresql://me@host/db")
        assert told == "***, ***, ***, x, redis://***@db, postgresql://***@host/db"
        assert "a%40b" not in repr(address)
        assert "a@b" not in repr(address)

    def test_several_hosts(self):
        """All hosts of a PostgreSQL that may be promoted, as libpq takes them."""
        require_module("psycopg", "psycopg[binary]")
        address = parse_address("postgresql://mfa:s3cret@one:5432,[::1]:5433,three/mfa?target_session_attrs=any")
        address.open(StoreOptions(5.0, create=False)).close()
        assert address.secrets == ("s3cret",)

    def test_a_driver_that_is_missing(self):
        require_module("sqlalchemy", "sqlalchemy")
        with pytest.raises(Usage, match="a package that is not installed"):
            parse_address("sqlalchemy+postgresql+pg8000://mfa:s3cret@db/mfa").open(StoreOptions(5.0, create=False))
