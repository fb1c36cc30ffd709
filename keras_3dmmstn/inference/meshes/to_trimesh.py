"""A face's mesh as an object of trimesh."""

from typing import TYPE_CHECKING

from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh

if TYPE_CHECKING:
    import trimesh


def to_trimesh(mesh: FaceMesh) -> "trimesh.Trimesh":
    """Returns a mesh with its normals and its texture, in millimetres.

    Raises:
        ImportError: if trimesh is not installed.
    """
    try:
        import trimesh
        from PIL import Image
    except ImportError as error:
        raise ImportError('mesh() needs trimesh: pip install "keras-3dmmstn[viz]"') from error
    material = trimesh.visual.material.PBRMaterial(
        name="face",
        baseColorTexture=Image.fromarray(mesh.texture),
        metallicFactor=0.0,
        roughnessFactor=1.0,
        doubleSided=True,
    )
    made = trimesh.Trimesh(
        mesh.vertices,
        mesh.triangles,
        vertex_normals=mesh.normals,
        visual=trimesh.visual.TextureVisuals(uv=mesh.uv, material=material),
        process=False,
    )
    made.units = "millimeters"
    return made
