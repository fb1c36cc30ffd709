"""A face model's basis in few numbers, for files for phones."""

from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.mesh import GridModel


@dataclass(frozen=True, eq=False)
class SurfaceFactors:
    """A truncated Tucker decomposition of the basis of a `GridModel`.

        P_k[i, j] ≈ Σ_ab U[i, a] C_k[a, b] V[j, b]

    The displacements of a face are smooth over its grid, so a few patterns along its rows and
    columns are enough for all of them. The sum over the modes comes first, on the small core.

    Attributes:
        rows: `(H', rank)` float32, U.
        columns: `(W', rank)` float32, V.
        core: `(modes, 3, rank, rank)` float32, C, millimetres per standard deviation; the axes
            are mode, coordinate, pattern along the columns, pattern along the rows.
    """

    rows: np.ndarray
    columns: np.ndarray
    core: np.ndarray

    def basis(self) -> np.ndarray:
        """Returns the basis that these factors represent, `(modes, H'·W', 3)`."""
        product = np.einsum("ia,kcba,jb->kijc", self.rows, self.core, self.columns, optimize=True)
        return product.reshape(len(self.core), -1, 3)


def factorise_basis(grid_model: GridModel, rank: int) -> SurfaceFactors:
    """Returns the higher-order singular value decomposition of a basis, truncated at a rank.

    Args:
        grid_model: the face model; its modes are weighted by their standard deviations.
        rank: patterns along rows and columns; limited to the size of the grid.

    Raises:
        ValueError: if `rank` is less than 1.

    Source:
        De Lathauwer et al. 2000, "A multilinear singular value decomposition".
    """
    if rank < 1:
        raise ValueError(f"factorise_basis expects a `rank` of at least 1, received {rank}.")
    basis = grid_model.basis.astype(float).reshape(-1, *grid_model.grid_shape, 3)
    rows, columns = (_leading_patterns(basis, axis, rank) for axis in (1, 2))
    core = np.einsum("ia,kijc,jb->kcba", rows, basis, columns, optimize=True)
    return SurfaceFactors(*(x.astype(np.float32) for x in (rows, columns, core)))


def _leading_patterns(basis, axis, rank):
    """Returns the first singular vectors of a basis along an axis, `(size, rank)`."""
    unfolded = np.moveaxis(basis, axis, 0).reshape(basis.shape[axis], -1)
    # The eigenvectors of the small Gram matrix, largest first, are the left singular vectors.
    return np.linalg.eigh(unfolded @ unfolded.T)[1][:, ::-1][:, :rank]
