"""`keras-3dmmstn face-model inspect`: a grid model in numbers."""

from keras_3dmmstn.cli.face_model.tables import (
    distortion_rows,
    layout_rows,
    mirror_rows,
    print_rows,
)
from keras_3dmmstn.cli.options import Model, load_face_model


def inspect(model: Model) -> None:
    """Print a grid model's size, distortion, symmetry and landmark placement."""
    from keras_3dmmstn.mesh.feature_layout import feature_layout
    from keras_3dmmstn.mesh.quality import (
        feature_shares,
        grid_uv,
        landmark_asymmetries,
        measure_distortion,
        mirror_errors,
    )

    face = load_face_model(model)
    uv = grid_uv(face.grid_shape)
    rows = _size_rows(face)
    rows += distortion_rows(measure_distortion(face.mean, face.triangles, uv))
    rows += mirror_rows(mirror_errors(face.mean, face.mirror))
    if "ibug68" in face.landmarks:
        shares = feature_shares(uv, face.landmarks["ibug68"])
        rows += [(f"grid taken by {name}", f"{share:.1%}") for name, share in shares.items()]
        rows += layout_rows(feature_layout(face))
    for name, points in face.landmarks.items():
        rows.append((f"landmarks {name}", _placement(points, landmark_asymmetries(face, name))))
    print_rows(rows)


def _size_rows(face):
    """Describes grid, modes and extent."""
    import numpy as np

    rows, columns = face.grid_shape
    extent = np.ptp(face.mean, axis=0)
    expression_count = face.modes - face.identity_count
    deviation = np.linalg.norm(face.basis, axis=2).mean(axis=1)
    return [
        ("name", face.name or "none"),
        ("grid", f"{rows} x {columns}"),
        ("modes", f"{face.identity_count} identity, {expression_count} expression"),
        ("mean displacement of a mode", " ".join(f"{d:.2f}" for d in deviation) + " mm"),
        ("width, height, depth", " x ".join(f"{e:.0f}" for e in extent) + " mm"),
    ]


def _placement(points, asymmetries):
    """Describes a set of landmarks."""
    text = f"{len(points)} points on {len(set(points.tolist()))} vertices"
    if asymmetries is None:
        return text
    return text + f", asymmetry {asymmetries.mean():.2f} mm, largest {asymmetries.max():.2f} mm"
