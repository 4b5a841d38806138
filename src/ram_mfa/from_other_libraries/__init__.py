# SPDX-License-Identifier: Apache-2.0
"""Conversions of other libraries' stored devices to import verbs: pure functions, for moving users.

Each takes a row of the other library's table, fields by name, and returns an import or `LeftBehind`; a row that cannot
be read raises `MalformedMessage`. `read_rows` applies one to a whole table, for `ram_mfa.migration.migrate`.
"""

from __future__ import annotations

from .incoming import Incoming, LeftBehind, read_rows
from .security_keys import from_py_webauthn, from_python_fido2, from_two_factor_webauthn, from_u2flib_server
from .tables import from_allauth, from_django_otp_static, from_pyotp
from .virtual_devices import from_base32, from_django_otp, from_key_uri

__all__ = [
    "Incoming",
    "LeftBehind",
    "from_allauth",
    "from_base32",
    "from_django_otp",
    "from_django_otp_static",
    "from_key_uri",
    "from_py_webauthn",
    "from_pyotp",
    "from_python_fido2",
    "from_two_factor_webauthn",
    "from_u2flib_server",
    "read_rows",
]
