"""Pictures: what a request makes of them, and the workers that do it. Importing this loads no libvips."""

from origin.imaging.model import (
    RENDERER_VERSION,
    Accept,
    Header,
    Inspection,
    Job,
    Limits,
    Rendered,
    Source,
)
from origin.imaging.plan import Plan, plan
from origin.imaging.planned import described
from origin.imaging.pool import RenderPool

__all__ = [
    "RENDERER_VERSION",
    "Accept",
    "Header",
    "Inspection",
    "Job",
    "Limits",
    "Plan",
    "RenderPool",
    "Rendered",
    "Source",
    "described",
    "plan",
]
