"""Every way to be refused, in one namespace. Law: a code and its number never change their meaning.

A module holds the refusals of one subject; `base.py` says what a refusal is.
"""

from backend.protocol.errors.approvals import *
from backend.protocol.errors.base import *
from backend.protocol.errors.bonuses import *
from backend.protocol.errors.collecting import *
from backend.protocol.errors.core import *
from backend.protocol.errors.custody import *
from backend.protocol.errors.exits import *
