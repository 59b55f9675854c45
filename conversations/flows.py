"""Every kind of conversation there is. Importing this fills their tables."""

from __future__ import annotations

from conversations import anywhere, check_ins, closing, coordinating, reaching, serving, support, together, volunteering
from conversations.anywhere import Doorstep
from conversations.flow import Flow
from conversations.request import Request
from conversations.request import flow as support_flow
from conversations.volunteering import Volunteer

TABLES = (anywhere, check_ins, closing, coordinating, reaching, serving, support, together, volunteering)

SUPPORT: Flow[Request] = support_flow
VOLUNTEERING: Flow[Volunteer] = volunteering.flow
DOORSTEP: Flow[Doorstep] = anywhere.flow
