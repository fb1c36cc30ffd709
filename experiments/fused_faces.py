"""How much of a face do one frontal photograph and two profiles show together?

python experiments/fused_faces.py FACES/cfp [--subjects 301-350] [--record]

Of each person the first frontal photograph and, of the profiles, the one nearest 60° to either side
are fused. Prints what share of the texels is seen in the frontal photograph, in all three, and in
all three of those texels that lie within the frame of at least one: the photographs of CFP are cut
off above the brows. A picture, for your eyes only, shows the first ten people.
"""

from pathlib import Path

import cv2
import numpy as np
from experiment import UNRECORDED, experiment_parser, results_file, write_results

from keras_3dmmstn import fuse
from keras_3dmmstn.inference.central_face import NoFaceError, central_face
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.inference.texture import inside

# Profiles are turned by at least so many degrees; the one nearest this angle is taken.
_LEAST, _BEST = 30.0, 60.0
_SIZE = 256
_SHOWN = 10


def faces_of(normaliser: Normaliser, photographs: list[Path]) -> list[NormalisedFace]:
    """Returns the faces of photographs, without those in which none is found."""
    faces = []
    for path in photographs:
        try:
            faces.append(central_face(normaliser, read_photograph(path)))
        except NoFaceError:
            print(f"{path.name}: no face was found")
    return faces


def chosen(frontal: list[NormalisedFace], profiles: list[NormalisedFace]) -> list[NormalisedFace]:
    """Returns a frontal face and a profile to each side; fewer if there are none."""
    sides = [[face for face in profiles if sign * face.pose.yaw > _LEAST] for sign in (-1, 1)]
    best = [min(side, key=lambda face: abs(abs(face.pose.yaw) - _BEST)) for side in sides if side]
    return [*frontal[:1], *best]


def row(faces: list[NormalisedFace]) -> tuple[dict[str, float], np.ndarray]:
    """Returns the shares of texels in % and a row of pictures."""
    person = fuse(faces, 512)
    in_frame = np.any(
        [inside(face.photograph.pixels, face.points - face.photograph.corner) for face in faces],
        axis=0,
    )
    seen = person.visible & in_frame
    pictures = [face.photograph.pixels for face in faces]
    pictures += [faces[0].texture, person.texture]
    pictures += [person.front_view(_SIZE, rotation=(0, turn, 0)) for turn in (0, 0.7, -0.7)]
    shares = {
        "frontal": faces[0].mask.mean(),
        "all": person.mask.mean(),
        "of what is in frame": seen.sum() / max(in_frame.sum(), 1),
    }
    return (
        {name: round(100 * float(share), 1) for name, share in shares.items()},
        np.hstack([cv2.resize(picture, (_SIZE, _SIZE)) for picture in pictures]),
    )


def main():
    """Fuses the photographs of each person."""
    parser = experiment_parser(__doc__)
    parser.add_argument("cfp", type=Path)
    parser.add_argument("--subjects", default="301-350", help="numbers of people, first-last")
    arguments = parser.parse_args()
    first, last = map(int, arguments.subjects.split("-"))
    normaliser, rows, pictures = Normaliser.pretrained(), {}, []
    for person in range(first, last + 1):
        images = [sorted(arguments.cfp.glob(f"images/{person:03d}_{kind}*.jpg")) for kind in "fp"]
        faces = chosen(*(faces_of(normaliser, paths) for paths in (images[0][:1], images[1])))
        if len(faces) < 3:
            print(f"{person}: no frontal photograph with a profile to each side")
            continue
        rows[str(person)], picture = row(faces)
        pictures.append(picture)
        print(person, rows[str(person)], flush=True)
    names = ("frontal", "all", "of what is in frame")
    summary = {
        name: {
            "mean": round(float(np.mean([r[name] for r in rows.values()])), 1),
            "least": min(r[name] for r in rows.values()),
        }
        for name in names
    }
    print(len(rows), "people:", summary)
    UNRECORDED.mkdir(parents=True, exist_ok=True)
    sheet = cv2.cvtColor(np.vstack(pictures[:_SHOWN]), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(UNRECORDED / "fused_faces.jpg"), sheet)
    write_results(
        results_file("fused_faces.json", arguments.record), {"people": len(rows), **summary}
    )


if __name__ == "__main__":
    main()
