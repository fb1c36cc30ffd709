"""Small folders of labelled photographs in the layouts of the real data sets."""

import sqlite3
import struct

import cv2
import numpy as np
from scipy.io import savemat

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import AFLW21_NAMES
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET, LabelledFaces, joint_landmarks

_TABLES = """
    CREATE TABLE Databases(db_id TEXT PRIMARY KEY, path TEXT, description TEXT);
    CREATE TABLE FaceImages(image_id INTEGER PRIMARY KEY, db_id TEXT, file_id TEXT, filepath TEXT,
                            bw INTEGER, width INTEGER, height INTEGER);
    CREATE TABLE Faces(face_id INTEGER PRIMARY KEY, file_id TEXT, db_id TEXT);
    CREATE TABLE FaceRect(face_id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, w INTEGER, h INTEGER,
                          annot_type_id INTEGER);
    CREATE TABLE FacePose(face_id INTEGER PRIMARY KEY, roll REAL, pitch REAL, yaw REAL,
                          annot_type_id INTEGER);
    CREATE TABLE FeatureCoords(face_id INTEGER, feature_id INTEGER, x REAL, y REAL,
                               annot_type_id INTEGER, PRIMARY KEY(face_id, feature_id));
"""


def rotation(yaw, pitch=0.0, roll=0.0):
    """The rotation matrix of a head that turns, nods and tilts (radians)."""
    return (
        cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0]
        @ cv2.Rodrigues(np.array([pitch, 0.0, 0.0]))[0]
        @ cv2.Rodrigues(np.array([0.0, yaw, 0.0]))[0]
    )


def projected_face(yaw=0.0, pitch=0.0, roll=0.0, scale=0.8, centre=(130, 110)):
    """The 89 landmarks of the bundled mean face in a pose, `(89, 2)` pixels."""
    model = GridModel.bundled()
    points = model.mean[model.landmark_indices(LANDMARK_SET)] @ rotation(yaw, pitch, roll).T
    return scale * points[:, :2] + np.asarray(centre)


def write_photograph(path, spot=None, size=(220, 260)):
    """Writes a photograph that is black but for a white spot at (x, y)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.zeros((*size, 3), np.uint8)
    if spot is not None:
        centre = tuple(round(float(value) * 16) for value in spot)
        cv2.circle(image, centre, 6 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    assert cv2.imwrite(str(path), image)


def with_orientation(jpeg, orientation):
    """Puts an orientation in EXIF into the bytes of a JPEG file; 6: to be turned clockwise."""
    tiff = b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def spot_of(image):
    """The centre of the white spot of a picture, (x, y) in pixels."""
    weight = image.astype(float).sum(axis=-1)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def spotted_faces(folder, count=3):
    """Faces with all 89 points; each photograph has a white spot on landmark 30, the nose tip."""
    points = np.stack(
        [projected_face(0.2 * n - 0.2, centre=(110 + 9 * n, 100)) for n in range(count)]
    )
    paths = tuple(folder / f"{number}.png" for number in range(count))
    for path, landmarks in zip(paths, points, strict=True):
        write_photograph(path, landmarks[30])
    return LabelledFaces(paths, joint_landmarks(points, LANDMARK_SET))


def write_300w(folder, count=2):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        write_photograph(folder / f"image_{number}.jpg")
        points = "\n".join(f"{x + number}.5 {2 * x}.25" for x in range(68))
        text = f"version: 1\nn_points: 68\n{{\n{points}\n}}\n"
        (folder / f"image_{number}.pts").write_text(text)
    return folder


def write_csv(folder, value="7.5", count=68, more=()):
    """Writes landmarks.csv with one row; `value` is its last coordinate, `more` (name, cell)s."""
    write_photograph(folder / "images" / "one.jpg")
    columns = ["image", "subject"] + [f"{a}{n}" for n in range(count) for a in "xy"]
    row = ["one.jpg", "someone"] + [str(n) for n in range(2 * count - 1)] + [value]
    columns, row = columns + [name for name, _ in more], row + [cell for _, cell in more]
    (folder / "landmarks.csv").write_text(",".join(columns) + "\n" + ",".join(row) + "\n")
    return folder


def write_mtfl(folder, rows=("a.jpg,10,20,30,21,22,33,12,41,29,42",)):
    """Writes landmarks.csv with five points a face."""
    names = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
    header = "image," + ",".join(f"{axis}_{name}" for name in names for axis in "xy")
    for row in rows:
        write_photograph(folder / "images" / row.split(",")[0])
    (folder / "landmarks.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def write_aflw(folder, faces):
    """Writes `aflw.sqlite` and `flickr/`.

    `faces`: face_id to {file, points: {feature_id: (x, y)}, rectangle, pose}, the last two
    optional.
    """
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(folder / "aflw.sqlite")
    database.executescript(_TABLES)
    files = sorted({face["file"] for face in faces.values()})
    for number, file in enumerate(files):
        write_photograph(folder / "flickr" / file)
        row = (number, "flickr", file.split("/")[-1], file, 0, 260, 220)
        database.execute("INSERT INTO FaceImages VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    for face_id, face in faces.items():
        name = face["file"].split("/")[-1]
        database.execute("INSERT INTO Faces VALUES (?, ?, 'flickr')", (face_id, name))
        if "rectangle" in face:
            values = (face_id, *face["rectangle"])
            database.execute("INSERT INTO FaceRect VALUES (?, ?, ?, ?, ?, 1)", values)
        if "pose" in face:
            values = (face_id, *face["pose"])
            database.execute("INSERT INTO FacePose VALUES (?, ?, ?, ?, 1)", values)
        for feature_id, (x, y) in face.get("points", {}).items():
            values = (face_id, feature_id, x, y)
            database.execute("INSERT INTO FeatureCoords VALUES (?, ?, ?, ?, 1)", values)
    database.commit()
    database.close()
    return folder


def write_aflw2000(folder, points, yaw):
    """Writes photographs and labels: points `(n, 3, 68)` as in the files, yaw `(n,)` radians."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (face_points, face_yaw) in enumerate(zip(points, yaw, strict=True)):
        path = folder / f"image{number + 2:05d}.jpg"
        cv2.imwrite(str(path), np.full((200, 240, 3), 90, np.uint8))
        # pitch, yaw, roll, then the translation and the scale of the fitted face
        pose = [[0.1, face_yaw, 0.3, 120.0, 100.0, -60.0, 0.001]]
        savemat(path.with_suffix(".mat"), {"pt3d_68": face_points, "Pose_Para": pose})
    return folder


def aflw_points(hidden=(), **pose):
    """The points of the mean face by feature_id, without the hidden ones."""
    points = projected_face(**pose)[68:]
    return {
        number + 1: tuple(map(float, points[number]))
        for number in range(len(AFLW21_NAMES))
        if number not in hidden
    }


def write_cfp(folder, rows, suspects=None):
    """Writes `landmarks.csv` of CFP with `images/`, and perhaps `suspect_profile.csv`.

    `rows`: (image, person, kind, subject_right_side, points `(30, 2)`) of each photograph.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["image,person,kind,subject_right_side," + ",".join(f"x{n},y{n}" for n in range(30))]
    for image, person, kind, side, points in rows:
        write_photograph(folder / "images" / image)
        numbers = (f"{value:.2f}" for value in np.asarray(points).ravel())
        lines.append(",".join([image, str(person), kind, str(side), *numbers]))
    (folder / "landmarks.csv").write_text("\n".join(lines) + "\n")
    if suspects is not None:
        text = "\n".join(["image,largest_residual_percent_of_box", *(f"{s},9" for s in suspects)])
        (folder / "suspect_profile.csv").write_text(text + "\n")
    return folder
