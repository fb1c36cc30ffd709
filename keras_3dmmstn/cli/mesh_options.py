"""The options of `normalise` for meshes."""

from typing import Annotated, Any

import typer

from keras_3dmmstn.cli import terminal

MeshKinds = Annotated[
    list[str] | None,
    typer.Option(
        "--mesh",
        help="Also write the face as a mesh: glb, obj or ply, or npz for its vertices as arrays. "
        "Can be repeated.",
    ),
]
MeshFrame = Annotated[
    str | None,
    typer.Option(
        help="head: the face looks at the viewer. camera: pose and position as in the photograph. "
        "Default: head."
    ),
]
BlendShapes = Annotated[
    bool,
    typer.Option(
        "--morph-targets",
        help="Give the GLB the face model's expressions as blend shapes, set as in the photograph.",
    ),
]


def wanted_meshes(
    kinds: list[str] | None, frame: str | None, blend_shapes: bool, neutral: bool
) -> dict[str, Any] | None:
    """Returns the arguments of `encoded_meshes`, or None if no mesh is asked for."""
    from keras_3dmmstn.drawing.meshes.files import check_kinds
    from keras_3dmmstn.inference.meshes.frames import check_frame

    if not kinds:
        for option, is_given in {"--mesh-frame": frame, "--morph-targets": blend_shapes}.items():
            if is_given:
                terminal.fail(f"{option} goes with --mesh.")
        return None
    with terminal.failing_on(ValueError, about="--mesh"):
        check_kinds(kinds, blend_shapes)
    with terminal.failing_on(ValueError, about="--mesh-frame"):
        check_frame(frame or "head")
    return {
        "kinds": kinds,
        "frame": frame or "head",
        "blend_shapes": blend_shapes,
        "expression": "neutral" if neutral else None,
    }
