"""The page as a gradio app: one component of its own, in the look that the report has, too.

gradio serves the page and its assets; what the page asks while it is used goes to `routes`, because
a preview must come back as one small picture, without a queue between. gradio is imported here and
nowhere else: it takes seconds.
"""

from __future__ import annotations

import importlib.util
import os
from importlib import resources
from typing import TYPE_CHECKING, Any

from unripple.conventions import UnrippleError

if TYPE_CHECKING:
    from unripple.webui.routes import Routes

SYSTEM_FONTS = ["system-ui", "Segoe UI", "Noto Sans", "sans-serif"]
MONO_FONTS = ["ui-monospace", "DejaVu Sans Mono", "monospace"]
INSTALL = "uv sync --extra editor (or: pip install 'gradio>=6'), or run make editor"


def check_gradio() -> None:
    """See that gradio is there, without the seconds that it takes to import.

    Raises:
        UnrippleError: it is not installed.
    """
    if importlib.util.find_spec("gradio") is None:
        raise UnrippleError(f"the editor needs gradio, which is an extra: {INSTALL}")


def import_gradio() -> Any:
    """gradio, told to stay at home.

    Raises:
        UnrippleError: it is not installed, or not whole.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TELEMETRY_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import gradio
    except ImportError as error:
        raise UnrippleError(f"the editor needs gradio, which is an extra: {INSTALL}") from error
    return gradio


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text("utf-8")


def mounted(routes: Routes) -> Any:
    """The whole app, unguarded: our routes, and gradio's page at /.

    Raises:
        UnrippleError: gradio is not installed.
    """
    gr = import_gradio()
    from fastapi import FastAPI

    app = FastAPI(
        lifespan=routes.living, routes=routes.all(), docs_url=None, redoc_url=None, openapi_url=None
    )
    with gr.Blocks(title="unripple editor", analytics_enabled=False) as blocks:
        gr.HTML(
            value="",
            html_template=_text("unripple.webui", "page.html"),
            js_on_load=_text("unripple.webui", "page.js"),
            apply_default_css=False,
        )
    return gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        allowed_paths=[],
        blocked_paths=["/"],
        max_file_size=int(routes.studio.limits.upload_mb * 1e6),
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        theme=gr.themes.Base(font=SYSTEM_FONTS, font_mono=MONO_FONTS),
        css=_text("unripple.stages", "look.css") + _text("unripple.webui", "page.css"),
    )
