"""Lianke 连客: one shop out of a brand's stores and its WeChat presence. ``create_app`` assembles it."""

from typing import Any

import orjson
from flask import Flask, request
from flask.json.provider import JSONProvider
from flask_openapi3 import Info, OpenAPI, SecurityScheme

from app.api import doors, errors, health
from app.api.fast import Fast
from app.api.guard import Callers
from app.api.observe import Observed
from app.logs import set_up_logging
from app.settings import Settings
from app.wiring import Parts, build

VERSION = "0.1.0"
MAX_BODY_BYTES = 1024 * 1024
SECURITY: dict[str, SecurityScheme | dict[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "From a login answer."},
    "pos": {
        "type": "apiKey",
        "in": "header",
        "name": "Pos-Signature",
        "description": "With Pos-Key, Pos-Timestamp and Pos-Nonce; docs/pos.md has the recipe and an example.",
    },
}


class _Json(JSONProvider):
    """orjson: refuses NaN, lone surrogates and nesting deep enough to exhaust the stack."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)


class House(OpenAPI):
    """The API document with refusals under their own media type, as they are really sent."""

    def generate_spec_json(self) -> None:
        """Fill ``spec_json`` with the OpenAPI 3.1 document."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # untyped there
        for path in self.spec_json.get("paths", {}).values():
            for operation in path.values():
                for status in ("500", "503"):
                    operation["responses"].setdefault(status, _problem_answer())
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if status >= "400" and "application/json" in content:
                        content["application/problem+json"] = content.pop("application/json")


def create_app(settings: Settings | None = None, parts: Parts | None = None) -> Flask:
    """The WSGI app. ``parts`` replaces the wiring (tests); else they are built from ``settings``.

    Refuses to start with missing or weak settings: pydantic names the variable.
    """
    settings = settings or (parts.settings if parts else Settings())
    set_up_logging(settings.log_level)
    app = House(
        "lianke",
        info=Info(title="Lianke 连客", version=VERSION, description=doors.DESCRIPTION),
        security_schemes=SECURITY,
        validation_error_status=422,
        validation_error_model=errors.Problem,
        validation_error_callback=errors.on_validation_error,
        doc_prefix="/openapi",
        static_folder=None,
    )
    app.json = _Json(app)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = False
    app.extensions["lianke.parts"] = parts or build(settings)
    app.extensions["lianke.callers"] = Callers()
    errors.register(app)
    app.before_request(_name_route)
    for api in doors.API:
        app.register_api(api)
    for plain in (*doors.PLAIN, health.bp):
        app.register_blueprint(plain)
    app.wsgi_app = Observed(Fast(app.wsgi_app, app))  # type: ignore[method-assign]  # Flask documents wrapping it so
    return app


def _problem_answer() -> dict[str, Any]:
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"description": "Not the caller's fault", "content": {"application/json": reference}}


def _name_route() -> None:
    rule = request.url_rule
    request.environ["lianke.route"] = rule.rule if rule else "unmatched"
