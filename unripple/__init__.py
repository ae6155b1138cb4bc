"""Edit faces in photographs by GAN inversion and leave no trace of the edit.

Example:
    >>> import unripple
    >>> unripple.Editor().edit("anna.jpg", pose=-3).save("turned.png")  # doctest: +SKIP
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in typing, whose import takes longer than a job's whole command
if TYPE_CHECKING:
    from typing import Any

    from unripple.runtime.compare import compare, edit_fid
    from unripple.runtime.editor import Editor, Result

__version__ = "0.1.0"
__all__ = ["Editor", "Result", "__version__", "compare", "edit_fid"]


def __getattr__(name: str) -> Any:
    # Late, so that `import unripple` stays cheap.
    if name in ("Editor", "Result"):
        from unripple.runtime import editor

        return getattr(editor, name)
    if name in ("compare", "edit_fid"):
        from unripple.runtime import compare

        return getattr(compare, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
