"""Every operation of the API is registered by importing its module."""

from connector.web.api import audit_events, environments, promotions, shares, tenant
from connector.web.api.openapi import openapi_blueprint
from connector.web.api.operations import OPERATIONS, blueprint

__all__ = ["OPERATIONS", "blueprint", "openapi_blueprint"]
MODULES = (audit_events, environments, promotions, shares, tenant)
