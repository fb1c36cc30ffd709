import numpy as np

from keras_3dmmstn.drawing.render import geometry_image, render_mesh
from keras_3dmmstn.mesh.grid_model import GridModel

# One triangle in the upper left half of a square, counter-clockwise seen from the viewer.
CORNERS = np.array([[0.0, 0.0, 0.0], [0.0, 10.0, 0.0], [10.0, 0.0, 0.0]])
FRONT = np.array([[0, 1, 2]])


def test_triangle_is_drawn_where_it_is_on_the_background():
    picture = render_mesh(CORNERS, FRONT, 100)
    assert picture.shape == (100, 100, 3)
    assert picture.dtype == np.uint8
    assert np.all(picture[25, 25] < 255)
    assert np.all(picture[75, 75] == 255)


def test_back_of_a_triangle_is_darker_than_its_front():
    front = render_mesh(CORNERS, FRONT, 100)[25, 25]
    back = render_mesh(CORNERS, FRONT[:, ::-1], 100)[25, 25]
    assert back.sum() < front.sum()


def test_nearer_triangle_hides_the_farther_one():
    nearer = CORNERS - [0, 0, 5]
    vertices = np.concatenate([nearer, CORNERS])
    colours = np.array([[255, 0, 0]] * 3 + [[0, 255, 0]] * 3)
    picture = render_mesh(vertices, np.array([[0, 1, 2], [3, 4, 5]]), 100, colours=colours)
    red, green, _ = picture[25, 25].astype(int)
    assert red > 0
    assert green == 0


def test_height_and_width_of_the_picture_may_differ():
    assert render_mesh(CORNERS, FRONT, (60, 90)).shape == (60, 90, 3)


def test_points_are_marked_in_red():
    picture = render_mesh(CORNERS, FRONT, 100, points=CORNERS[:1] + [2.0, 2.0, 0.0])
    assert np.any((picture[..., 0] > 150) & (picture[..., 1] < 50))


def test_quarter_turn_about_the_vertical_shows_the_triangle_edge_on():
    picture = render_mesh(CORNERS, FRONT, 100, axis_angle=(0.0, np.pi / 2, 0.0))
    assert np.mean(picture < 255) < 0.05


def test_geometry_image_has_x_in_red_growing_to_the_right():
    x, y = np.meshgrid(np.arange(3.0), np.arange(2.0))
    mean = np.stack([x, y, x + y], axis=-1).reshape(-1, 3)
    image = geometry_image(GridModel(mean=mean, basis=np.zeros((0, 6, 3)), grid_shape=(2, 3)))
    assert image[0, :, 0].tolist() == [0, 128, 255]
    assert image[:, 0, 1].tolist() == [0, 255]
