# SPDX-License-Identifier: Apache-2.0
"""The former name of `tests.support.service`, for tests that are being changed elsewhere."""

from . import service
from .service import RecordReader as Raw
from .service import ScriptedStore as Script
from .service import StoreWithHistory as Promoted
from .service import StoreWithoutViews as Unpinned

globals().update({name: value for name, value in vars(service).items() if not name.startswith("__")})
__all__ = ["Promoted", "Raw", "Script", "Unpinned"]
