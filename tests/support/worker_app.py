# SPDX-License-Identifier: Apache-2.0
"""A worker of the FastAPI example on PostgreSQL: ``uvicorn --factory tests.support.worker_app:app``."""

from __future__ import annotations

import os

from examples.fastapi_app import create_app
from examples.passwords import User
from ram_mfa.stores.postgres import PostgresStore


def app():
    store = PostgresStore(os.environ["WORKER_DSN"])
    store.create_table()
    made = create_app(os.environ["WORKER_ORIGIN"], store, secret=bytes.fromhex(os.environ["WORKER_SECRET"]))
    hashed = os.environ["WORKER_HASH"]
    made.state.users["alice"] = User("alice", administrator=False, hashed=hashed)
    return made
