"""The result for one normalised face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh
from keras_3dmmstn.inference.meshes.to_trimesh import to_trimesh
from keras_3dmmstn.inference.quantities.face_quantities import (
    FaceQuantities,
    measure,
    seen_texture,
)
from keras_3dmmstn.inference.texture import face_texture, inside
from keras_3dmmstn.inference.view.arguments import (
    check_view,
    checked_expression,
    checked_rotation,
)
from keras_3dmmstn.inference.view.filling import check_fill, filled_texture
from keras_3dmmstn.inference.view.front_view import draw_view, on_background
from keras_3dmmstn.inference.view.opacity import opacity
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.inference.view.photographed_face import PhotographedFace
from keras_3dmmstn.inference.view.summary_picture import as_png, summary_picture
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.finer_grid import interpolate_grid, texture_shape
from keras_3dmmstn.mesh.head_pose import HeadPose, head_pose

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True, eq=False, repr=False)
class NormalisedFace:
    """The result for one face.

    Attributes:
        texture: `(S, S, 3)` uint8 RGB, the pose-normalised texture, black where `mask` is False
            unless the normaliser fills it. S is the normaliser's `texture_size`; without one the
            texture is `(H', W', 3)`, one texel per vertex of the face model's grid.
        mask: `(S, S)` bool: the viewer sees this place of the face, and it lies in the photograph.
        vertices: `(H'·W', 3)` float32, the fitted face in its own frame, millimetres: x right,
            y down, z away from the viewer.
        points: `(H'·W', 2)` float32, the vertices in pixels of the photograph.
        visible: `(H'·W',)` bool: the viewer sees the vertex, and it lies in the photograph.
        grid_shape: (H', W'), the rows and columns that the vertices form.
        parameters: `rotation` (3,) axis-angle in radians, `translation` (2,) in pixels and
            `log_scale` (pixels per millimetre) of the photograph, `identity` and `expression` in
            standard deviations. With a perspective camera also `focal_length` (1,) and
            `principal_point` (2,), in pixels of the photograph.
        box: `(4,)` x0, y0, x1, y1 in pixels: the box in which the network saw the face.
        landmark_indices: set name to the vertices of its landmarks, those of `ibug68` with the
            jaw on the apparent contour.
        roll: clockwise rotation of the face assumed for the crop, radians.
        score: the detector's score, 0 to 1; None if the box was given.
        confidence: the network's estimate, 0 to 1, of the probability that this is a face and that
            its landmarks are right, that is off by at most 5 % of √(w·h) of their box on average.
            None if the weights do not provide it.
        spread: `(68,)` float32, the expected distance of each landmark of `ibug68` from where a
            person would label it, in √(w·h) of the box of the landmarks: large where a hand, hair
            or a mask hides the face. None if the weights do not provide it.
        photograph: a copy of the part of the photograph around the face, for `front_view`.
        grid_model: the face model, for `front_view`; shared by all faces of a normaliser.
    """

    texture: np.ndarray
    mask: np.ndarray
    vertices: np.ndarray
    points: np.ndarray
    visible: np.ndarray
    grid_shape: tuple[int, int]
    parameters: dict[str, np.ndarray]
    box: np.ndarray
    landmark_indices: dict[str, np.ndarray]
    roll: float = 0.0
    score: float | None = None
    confidence: float | None = None
    spread: np.ndarray | None = None
    photograph: PhotographPart | None = None
    grid_model: GridModel | None = None

    def __repr__(self):
        box = ", ".join(f"{number:.0f}" for number in self.box)
        turned = ", ".join(f"{name} {round(value)}°" for name, value in self.pose._asdict().items())
        sure = "" if self.confidence is None else f", confidence {self.confidence:.2f}"
        return f"NormalisedFace(box ({box}), {turned}, {self.mask.mean():.0%} seen{sure})"

    def _repr_png_(self) -> bytes | None:
        """Shows the face in a notebook: photograph with landmarks, texture, view from the front."""
        if self.photograph is None or self.grid_model is None:
            return None
        known = "ibug68" in self.landmark_indices
        points = self.landmarks() if known else np.zeros((0, 2), np.float32)
        corner = self.photograph.corner
        return as_png(
            summary_picture(
                self.photograph.pixels, points - corner, self.texture, self.front_view(240)
            )
        )

    def landmarks(self, name: str = "ibug68") -> np.ndarray:
        """Returns a landmark set, `(L, 2)` x, y in pixels of the photograph.

        The jaw points of `ibug68` lie on the visible contour of the turned face, where people
        label them, so they are not the same vertices in every pose.

        Raises:
            KeyError: if the face model has no such set.
        """
        if name not in self.landmark_indices:
            known = ", ".join(map(repr, self.landmark_indices)) or "none"
            raise KeyError(f"Expected one of the landmark sets {known}, received {name!r}.")
        return self.points[self.landmark_indices[name]]

    @property
    def rotation_matrix(self) -> np.ndarray:
        """The pose as a `(3, 3)` rotation that acts on columns."""
        matrix = cv2.Rodrigues(np.asarray(self.parameters["rotation"], float))[0]
        return matrix.astype(np.float32)

    @property
    def pose(self) -> HeadPose:
        """The pose of the head in degrees: yaw, pitch and roll, as `HeadPose` defines them.

        With positive yaw the face looks to the right of the photograph, with positive pitch up,
        and with positive roll it is tilted clockwise. Under a perspective camera the pose is
        relative to the camera's axis, not to the ray to the face.
        """
        return head_pose(self.rotation_matrix)

    def quantities(self) -> FaceQuantities:
        """Measures size, pose, sharpness, light, and how far mouth and eyes are open.

        Raises:
            ValueError: if the face has no `photograph`, which those of a `Normaliser` have, or its
                face model has no landmarks `ibug68`.
        """
        if self.photograph is None or "ibug68" not in self.landmark_indices:
            missing = "photograph" if self.photograph is None else "landmarks ibug68"
            raise ValueError(
                "Expected a face with `photograph` and landmarks ibug68 to measure, received one "
                f"without {missing}."
            )
        landmarks, shape = self.landmark_indices["ibug68"], self.grid_shape
        grid, visible = self.points.reshape(*shape, 2), self.visible.reshape(shape)
        return measure(
            self.points[landmarks],
            self.vertices[landmarks],
            self.pose,
            float(self.mask.mean()),
            seen_texture(self.photograph, grid, visible),
        )

    def front_view(
        self,
        size: int = 512,
        background: Sequence[int] | None = (255, 255, 255),
        *,
        rotation: np.ndarray | Sequence[float] | None = None,
        expression: str | np.ndarray | Sequence[float] | None = None,
        fill: str | None = None,
    ) -> np.ndarray:
        """Draws the face turned to the viewer, with the photograph's own pixels.

        The projection is orthographic, and no light is added. All faces share the face model's
        frame, so that eyes and mouths of different pictures are at similar places: the face turns
        about the middle of the mean face, which is the middle of the picture, and the larger side
        of the mean face is 1 / 1.12 of the picture's side.

        Places that the photograph's camera did not see are hidden: those more than about 3 mm
        behind another part of the face, those seen at an angle of more than about 78° from their
        normal, those within about 5 mm of the outline beyond which the face turns away, and those
        outside the photograph. Their borders are soft.

        Args:
            size: side of the picture in pixels, 16 to 4096.
            background: RGB in 0..255 around the face and where it is hidden; None leaves both
                transparent.
            rotation: `(3,)` axis-angle in radians, the rotation of the face; None for no rotation.
                `parameters["rotation"]` turns it as in the photograph.
            expression: None for the fitted one, `"neutral"` for none, or coefficients `(E,)` in
                standard deviations.
            fill: `"mirror"` fills hidden places from the other side of the face, adapted to the
                light around them, and places hidden on both sides from their surroundings: see
                `fill_hidden`. Filled places are invented. None leaves hidden places empty.

        Returns:
            `(size, size, 3)` uint8 RGB, or `(size, size, 4)` RGBA without a background.

        Raises:
            ValueError: if an argument is invalid, or the face has no `photograph` or
                `grid_model`, which those of a `Normaliser` have.
        """
        check_view(size, background, fill)
        turn = checked_rotation(rotation)
        coefficients = checked_expression(expression, self.parameters["expression"])
        seen, vertices = self._photographed(), self.vertices
        if expression is not None:
            vertices = self._with_expression(seen, coefficients)
        return on_background(draw_view(seen, vertices, turn, size, fill), background)

    def filled_texture(self, fill: str = "mirror") -> np.ndarray:
        """Returns the texture with hidden places filled in.

        Args:
            fill: `"mirror"` fills them from the other side of the face, see `fill_hidden`.

        Returns:
            `(S, S, 3)` uint8 RGB, the same as `texture` where `mask` is True; all black if `mask`
            is False everywhere.

        Raises:
            ValueError: if `fill` is unknown, or the face has no `photograph` or `grid_model`.
        """
        check_fill(fill)
        return self._filled(self.texture, self.mask)

    def resampled(self, texture_size: int) -> Self:
        """Returns the face with texture and mask sampled from the photograph at another size.

        Args:
            texture_size: side of both in pixels, 32 to 2,048.

        Raises:
            ValueError: if the size is not in its range, or the face has no `photograph` or
                `grid_model`, which those of a `Normaliser` have.
        """
        size, _ = texture_shape(texture_size, self.grid_shape)
        texture, mask = self._sampled(self._photographed(), size)
        return replace(self, texture=texture, mask=mask)

    def mesh(
        self,
        *,
        expression: str | np.ndarray | Sequence[float] | None = None,
        frame: str = "head",
        texture_size: int | None = None,
        fill: str | None = None,
    ) -> "trimesh.Trimesh":
        """Returns the face as a textured trimesh mesh, to show, measure, change or export.

        It is in millimetres, with x to the right, y up and z towards the viewer, so that programs
        show it upright. Its `units` are "millimeters", but glTF is in metres by specification: call
        `apply_scale(0.001)` before you export a GLB from it, or use `save_mesh`.

        Args:
            expression, frame, texture_size, fill: as for `textured_mesh`.

        Raises:
            ImportError: if trimesh is not installed.
            ValueError: as for `textured_mesh`.
        """
        return to_trimesh(
            self.textured_mesh(
                expression=expression, frame=frame, texture_size=texture_size, fill=fill
            )
        )

    def textured_mesh(
        self,
        *,
        expression: str | np.ndarray | Sequence[float] | None = None,
        frame: str = "head",
        texture_size: int | None = None,
        fill: str | None = None,
        blend_shapes: bool = False,
    ) -> FaceMesh:
        """Returns the face as the arrays of a textured mesh, for `save_mesh` or your own program.

        Its vertices are those of the face model's grid, in the same order. The face model's own
        surface closes eyes and mouth, as in `vertices`.

        Args:
            expression: None for the fitted one, `"neutral"` for none, or coefficients `(E,)` in
                standard deviations.
            frame: `"head"` for that of `vertices`; `"camera"` turns and places the face as in the
                photograph, see `camera_vertices`. Either way y is up and z towards the viewer.
            texture_size: side of the texture in pixels, 32 to 2,048, sampled again from the
                photograph; None takes `texture` as it is.
            fill: `"mirror"` fills hidden places as `filled_texture` does. None leaves them black.
            blend_shapes: makes a mesh without expression, with the face model's expressions as
                `targets`, by name if they have names, and the `weights` that make `expression`.

        Raises:
            ValueError: if an argument is invalid, or the face has no `photograph` or
                `grid_model`, which those of a `Normaliser` have.
        """
        check_fill(fill)
        coefficients = checked_expression(expression, self.parameters["expression"])
        seen = self._photographed()
        texture, mask = self.texture, self.mask
        if texture_size is not None:
            texture, mask = self._sampled(seen, texture_shape(texture_size, self.grid_shape)[0])
        return FaceMesh.of_face(
            seen.grid_model,
            self._with_expression(seen, np.zeros(len(coefficients))),
            coefficients,
            self.parameters,
            texture if fill is None else self._filled(texture, mask),
            frame,
            blend_shapes,
        )

    def _with_expression(self, seen, coefficients):
        """Returns the vertices `(N, 3)` with other expression coefficients `(E,)`."""
        change = (coefficients - self.parameters["expression"]).astype(np.float32)
        basis = seen.grid_model.basis[seen.grid_model.identity_count :]
        return self.vertices + np.tensordot(change, basis, 1)

    def _sampled(self, seen, size):
        """Returns the texture `(size, size, 3)` and its mask."""
        part = seen.photograph
        grid = (self.points - part.corner).astype(np.float32).reshape(*self.grid_shape, 2)
        # `visible` does not say whether the viewer sees a vertex outside the photograph.
        visible = self.visible.reshape(self.grid_shape) | ~inside(part.pixels, grid)
        return face_texture(part.pixels, grid, visible, size)

    def _filled(self, texture, mask):
        """Returns a texture `(S, S, 3)` whose hidden places are filled from the other side."""
        trusted = interpolate_grid(opacity(self._photographed())[..., None], mask.shape)
        return filled_texture(texture, mask, trusted[..., 0])

    def _photographed(self):
        """Returns the face as the camera saw it, or raises a ValueError without a photograph."""
        if self.photograph is None or self.grid_model is None:
            raise ValueError(
                "Expected a face with `photograph` and `grid_model`, as a Normaliser makes it, "
                "received one without."
            )
        return PhotographedFace.fitted(
            self.grid_model, self.photograph, self.points, self.vertices, self.parameters
        )
