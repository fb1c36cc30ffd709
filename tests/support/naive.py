"""The paper's equations as plain loops over numbers: slow, obvious, and written a second time.

Nothing here is shared with the package. Indices count from 0 where the paper counts from 1. Source
of all: Bas et al. 2017.
"""

import math

import numpy as np


def shape_from_coefficients(coefficients, mean, basis):
    """Returns X with X_ij = x_{3(j−1)+i} and x = Pα + μ (sec. 2.2); `(N, 3)` for one α `(D,)`."""
    modes, points, _ = basis.shape
    shape = np.empty((points, 3))
    for j in range(points):
        for i in range(3):
            shape[j, i] = mean[j, i]
            for k in range(modes):
                shape[j, i] += basis[k, j, i] * coefficients[k]
    return shape


def cross_matrix(a):
    """Returns [a]×."""
    return np.array([[0, -a[2], a[1]], [a[2], 0, -a[0]], [-a[1], a[0], 0]])


def rotation_matrix(r):
    """Returns R(r) = cos θ I + sin θ [r̄]× + (1 − cos θ) r̄ r̄ᵀ (sec. 2.2), `(3, 3)` for r `(3,)`."""
    theta = math.sqrt(r[0] ** 2 + r[1] ** 2 + r[2] ** 2)
    if theta == 0:
        return np.eye(3)
    axis = [r[0] / theta, r[1] / theta, r[2] / theta]
    cross = cross_matrix(axis)
    rotation = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            rotation[i, j] = math.cos(theta) * (i == j)
            rotation[i, j] += math.sin(theta) * cross[i, j]
            rotation[i, j] += (1 - math.cos(theta)) * axis[i] * axis[j]
    return rotation


def rotation_derivative(r):
    """Returns ∂R/∂r_i, `(3, 3, 3)` with i first, by the published formula (sec. 2.2, of [8])."""
    derivative = np.empty((3, 3, 3))
    rotation = rotation_matrix(r)
    for i in range(3):
        e = np.eye(3)[i]
        if r[0] == r[1] == r[2] == 0:
            derivative[i] = cross_matrix(e)
        else:
            turned = cross_matrix(r) @ (np.eye(3) - rotation) @ e
            numerator = r[i] * cross_matrix(r) + cross_matrix(turned)
            derivative[i] = numerator / np.dot(r, r) @ rotation
    return derivative


def rotate_points(points, rotation):
    """Returns X' = RX (sec. 2.2) for points `(N, 3)`."""
    rotated = np.zeros((len(points), 3))
    for j in range(len(points)):
        for i in range(3):
            for k in range(3):
                rotated[j, i] += rotation[i, k] * points[j, k]
    return rotated


def camera(points, rotation, translation, log_scale):
    """Returns Y'' = exp(log s) P R X + t (sec. 2.2) for points `(N, 3)`, as `(N, 2)`."""
    rotated = rotate_points(points, rotation)
    image_points = np.empty((len(points), 2))
    for j in range(len(points)):
        for i in range(2):
            image_points[j, i] = math.exp(log_scale) * rotated[j, i] + translation[i]
    return image_points


def perspective_camera(points, translation, focal_length, principal_point):
    """Returns Y = f p_xy / p_z + c with p = X' + t, for points `(N, 3)` before the camera."""
    image_points = np.empty((len(points), 2))
    for j in range(len(points)):
        depth = points[j, 2] + translation[2]
        for i in range(2):
            sideways = points[j, i] + translation[i]
            image_points[j, i] = focal_length * sideways / depth + principal_point[i]
    return image_points


def select_points(points, indices):
    """Returns L = Y''S (eq. 4) for points `(N, d)`, by way of the selection matrix S `(N, L)`."""
    selection = np.zeros((len(points), len(indices)))
    for landmark, index in enumerate(indices):
        selection[index, landmark] = 1
    return (points.T @ selection).T


def sample_bilinear(image, x, y):
    """Returns V = Σ_jk I_jk max(0, 1 − |x − k|) max(0, 1 − |y − j|) (sec. 2.3), `(channels,)`."""
    height, width, channels = image.shape
    sample = np.zeros(channels)
    for j in range(height):
        for k in range(width):
            weight = max(0, 1 - abs(x - k)) * max(0, 1 - abs(y - j))
            for c in range(channels):
                sample[c] += image[j, k, c] * weight
    return sample


def refine_grid(values, rows, columns):
    """Returns values `(H', W', channels)` between vertices, `(rows, columns, channels)`.

    The corners of the texture are those of the grid.
    """
    height, width, channels = values.shape
    finer = np.zeros((rows, columns, channels))
    for row, column in np.ndindex(rows, columns):
        y, x = row * (height - 1) / (rows - 1), column * (width - 1) / (columns - 1)
        for j in range(math.floor(y), min(math.floor(y) + 2, height)):
            for i in range(math.floor(x), min(math.floor(x) + 2, width)):
                finer[row, column] += (1 - abs(y - j)) * (1 - abs(x - i)) * values[j, i]
    return finer


def self_occlusion_mask(points, grid_shape):
    """Returns the mask `(H', W')` of points `(H'·W', 3)`: 1 where the normal looks towards −z.

    A vertex normal is the sum of those of all triangles of the cells around the vertex, each
    weighted with its area, so it does not matter along which diagonal a cell is cut.
    """
    rows, columns = grid_shape
    normals = np.zeros((rows * columns, 3))
    for row in range(rows - 1):
        for column in range(columns - 1):
            upper_left = row * columns + column
            upper_right, lower_left = upper_left + 1, upper_left + columns
            lower_right = lower_left + 1
            cell = (upper_left, lower_left, lower_right, upper_right)
            for triangle in (cell[:3], (cell[0], *cell[2:])):
                a, b, c = (points[corner] for corner in triangle)
                for corner in cell:
                    normals[corner] += np.cross(b - a, c - a) / 2
    mask = np.zeros(grid_shape)
    for vertex in range(rows * columns):
        mask[vertex // columns, vertex % columns] = normals[vertex, 2] < 0
    return mask


def perspective_mask(points, grid_shape):
    """Returns the mask `(H', W')` of points `(H'·W', 3)` before a camera at the origin.

    A triangle is seen from its front if its normal points against the ray to it, ⟨n, a⟩ < 0; a
    vertex, if those of the cells around it are, weighted with their areas in the image:
    ⟨(b − a) × (c − a), a⟩ / (2 a_z b_z c_z).
    """
    rows, columns = grid_shape
    seen = np.zeros(rows * columns)
    for row in range(rows - 1):
        for column in range(columns - 1):
            upper_left = row * columns + column
            upper_right, lower_left = upper_left + 1, upper_left + columns
            cell = (upper_left, lower_left, lower_left + 1, upper_right)
            for triangle in (cell[:3], (cell[0], *cell[2:])):
                a, b, c = (points[corner] for corner in triangle)
                area = np.dot(np.cross(b - a, c - a), a) / (2 * a[2] * b[2] * c[2])
                for corner in cell:
                    seen[corner] += area
    return (seen.reshape(grid_shape) < 0).astype(float)


def visible_vertices(points, triangles, grid_shape):
    """Returns the mask `(H', W')` of points `(H'·W', 3)` by rays from each vertex towards −z.

    A vertex is visible if its normal looks towards −z and no triangle that it does not belong to
    lies on the ray.
    """
    mask = self_occlusion_mask(points, grid_shape)
    corner, first, second = (points[triangles[:, k]] for k in range(3))
    first, second = first - corner, second - corner
    twice_area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    sizes = np.where(twice_area == 0, np.inf, twice_area)  # seen from its edge, it hides nothing
    for vertex, p in enumerate(points):
        x, y, _ = (p - corner).T
        u = (x * second[:, 1] - y * second[:, 0]) / sizes
        v = (first[:, 0] * y - first[:, 1] * x) / sizes
        on_ray = (u >= 0) & (v >= 0) & (u + v <= 1) & np.isfinite(sizes)
        nearer = (corner + u[:, None] * first + v[:, None] * second)[:, 2] < p[2]
        if (on_ray & nearer & (triangles != vertex).all(axis=1)).any():
            mask[vertex // grid_shape[1], vertex % grid_shape[1]] = 0
    return mask


def self_occlusion_mask_by_depth(points, grid_shape):
    """Returns the mask `(H', W')` of a depth buffer, which takes samples of its own size.

    Vertices and centres of cells fall into the pixels of a raster, at positions rounded down to
    1/128 pixel and 1/32768 of the raster's depth; the nearest sample of a pixel hides the vertices
    of the pixel whose tangent plane it is in front of by more than 0.4 pixels. Last, a vertex stays
    only if more than 0.4 of those in the 3×3 around it are seen too.
    """
    rows, columns = grid_shape
    side = round(math.sqrt(rows * columns))
    lowest = points.min(axis=0)
    points = (points - lowest) / (points - lowest).max() * side
    grid = points.reshape(rows, columns, 3)
    centres = [
        grid[row : row + 2, column : column + 2].mean(axis=(0, 1))
        for row in range(rows - 1)
        for column in range(columns - 1)
    ]

    def whole(p):
        x, y = (min(math.floor(a * 128), side * 128 - 1) for a in p[:2])
        return min(math.floor(p[2] * 32768 / side), 32767), x, y

    nearest = {}
    for p in [*points, *centres]:
        z, x, y = whole(p)
        pixel = (x // 128, y // 128)
        nearest[pixel] = min((z, x, y), nearest.get(pixel, (z, x, y)))

    faces_viewer = self_occlusion_mask(points, grid_shape)
    seen = faces_viewer.copy()
    for row, column in np.ndindex(*grid_shape):
        normal = np.zeros(3)
        for i in (row - 1, row):
            for j in (column - 1, column):
                if 0 <= i < rows - 1 and 0 <= j < columns - 1:
                    falling = grid[i + 1, j + 1] - grid[i, j]
                    normal += np.cross(falling, grid[i, j + 1] - grid[i + 1, j])
        z, x, y = whole(grid[row, column])
        near_z, near_x, near_y = nearest[x // 128, y // 128]
        offset = [(near_x - x) / 128, (near_y - y) / 128, (near_z - z) * side / 32768]
        if offset @ normal > 0.4 * np.linalg.norm(normal):
            seen[row, column] = 0

    mask = np.zeros(grid_shape)
    for row, column in np.ndindex(*grid_shape):
        around = seen[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        mask[row, column] = faces_viewer[row, column] and around.mean() > 0.4
    return mask


def mask_texture(texture, mask):
    """Returns W_i^c = V_i^c M_i (sec. 2.3) for a texture `(H', W', C)` and a mask `(H', W')`."""
    masked = np.empty(texture.shape)
    for row, column, channel in np.ndindex(*texture.shape):
        masked[row, column, channel] = texture[row, column, channel] * mask[row, column]
    return masked


def symmetry_sum(texture, mask):
    """Returns the sum of eq. (2) and the number of values that it adds up."""
    total, values = 0.0, 0
    rows, columns, channels = texture.shape
    for row in range(rows):
        for column in range(columns):
            mirrored = columns - 1 - column
            both = mask[row, column] * mask[row, mirrored]
            for c in range(channels):
                total += both * (texture[row, column, c] - texture[row, mirrored, c]) ** 2
                values += int(both)
    return total, values


def multi_view_sum(texture, mask, other_texture, other_mask):
    """Returns the sum of eq. (3) and the number of values that it adds up."""
    total, values = 0.0, 0
    rows, columns, channels = texture.shape
    for row in range(rows):
        for column in range(columns):
            both = mask[row, column] * other_mask[row, column]
            for c in range(channels):
                total += both * (texture[row, column, c] - other_texture[row, column, c]) ** 2
                values += int(both)
    return total, values


def landmark_sum(predicted, position, confidence):
    """Returns the sum of eq. (5) for points `(L, 2)`, and the sum of the confidences `(L,)`."""
    total, confidences = 0.0, 0.0
    for i in range(len(predicted)):
        if confidence[i] == 0:
            continue
        squared = sum((predicted[i][d] - position[i][d]) ** 2 for d in range(2))
        total += confidence[i] * squared
        confidences += confidence[i]
    return total, confidences


def shape_prior(coefficients):
    """Returns |α|² (eq. 6) of one α `(D,)`."""
    return sum(value**2 for value in coefficients)
