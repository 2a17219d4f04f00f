"""The OpenAPI document and the page that shows it; everything on it is served from here."""

import functools
import pathlib

import swagger_ui_bundle
from aiohttp import web

from c2d.service import answers, openapi

_FILES = pathlib.Path(swagger_ui_bundle.swagger_ui_path)
_SERVED = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_START = b"""window.onload = () => SwaggerUIBundle({url: "/spec", dom_id: "#page", deepLinking: true});\n"""
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>operator-service</title>
  <link rel="icon" href="/api/v1/docs/favicon-32x32.png">
  <link rel="stylesheet" href="/api/v1/docs/swagger-ui.css">
</head>
<body>
  <div id="page"></div>
  <script src="/api/v1/docs/swagger-ui-bundle.js"></script>
  <script src="/api/v1/docs/start.js"></script>
</body>
</html>
"""


async def spec(_: web.Request) -> web.Response:
    return answers.value(openapi.DOCUMENT)


async def page(_: web.Request) -> web.Response:
    return web.Response(body=_PAGE, content_type="text/html", charset="utf-8")


async def file(request: web.Request) -> web.Response:
    name = request.match_info["file"]
    if name == "start.js":
        return web.Response(body=_START, content_type="text/javascript")
    if name not in _SERVED:
        raise web.HTTPNotFound
    return web.Response(body=_content(name), content_type=_SERVED[name])


@functools.cache
def _content(name: str) -> bytes:
    return (_FILES / name).read_bytes()
