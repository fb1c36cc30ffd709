"""`keras-3dmmstn video`: the faces of videos and cameras, followed and smoothed."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import TextureSize, Weights, load_normaliser
from keras_3dmmstn.cli.progress import frames_with_progress
from keras_3dmmstn.cli.stopping import end_stopped

Videos = Annotated[
    list[Path] | None, typer.Argument(help="Video files of any format that OpenCV reads.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the results. Created if it does not exist. A camera that is shown in a "
        "window needs none."
    ),
]
CameraSource = Annotated[
    str | None,
    typer.Option(
        "--camera", help="Number of a camera, 0 for the first one, or the URL of a stream."
    ),
]
SmoothingStrength = Annotated[
    float, typer.Option("--smoothing", help="How much jitter is taken out: 0 for none, up to 1.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="mp4, which is quick to write, or webm, which browsers play: of the videos written.",
    ),
]
OverlayVideo = Annotated[
    bool,
    typer.Option("--overlay/--no-overlay", help="Write a video with the fitted meshes drawn."),
]
TextureVideos = Annotated[
    bool, typer.Option("--textures/--no-textures", help="Write a video of each face's texture.")
]
Window = Annotated[
    bool,
    typer.Option("--window/--no-window", help="Show a camera's pictures in a window; q ends it."),
]


def video(
    videos: Videos = None,
    out: Out = None,
    camera: CameraSource = None,
    smoothing: SmoothingStrength = 1.0,
    texture_size: TextureSize = None,
    overlay: OverlayVideo = True,
    textures: TextureVideos = True,
    format: Format = "mp4",
    window: Window = True,
    weights: Weights = None,
) -> None:
    """Follow the faces of videos, or of a camera.

    Writes for each video the fitted meshes on it, a video of each face's texture, one texture of
    each face from its best frames, and all numbers of all frames as CSV and NumPy arrays. Each face
    has a number for as long as it is followed. A former run's results of the same video are
    replaced, those of others never.

    A camera is shown in a window and ends with q, or with Ctrl-C where there is no window. What
    was seen until then is written, if --out is given.

    If a video fails, its name and the reason are printed, the others are still played, and the exit
    status is 1.
    """
    if bool(videos) == (camera is not None):
        terminal.fail("Expected video files or --camera, one of the two.")
    if out is None and (videos or not window):
        terminal.fail("Expected --out, a folder for the results.")
    if format not in ("mp4", "webm"):
        terminal.fail(f"--format expects mp4 or webm, received {format}.")
    if not 0 <= smoothing <= 1:
        terminal.fail(f"--smoothing expects a number from 0 to 1, received {smoothing:g}.")
    from keras_3dmmstn.cli.played_videos import Player

    normaliser = load_normaliser(weights, texture_size)
    with terminal.failing_on(ValueError):
        normaliser.track([], smoothing=smoothing)  # whether its face model has the landmarks
    player = Player(normaliser, smoothing, out, f".{format}", overlay, textures)
    if camera is not None:
        player.play_camera(camera, window)
    played = []
    for path in videos or ():
        try:
            played.append(player.play_file(path, frames_with_progress))
        except KeyboardInterrupt:
            end_stopped(f"Stopped. Nothing of {path} was written.")
    if not all(played):
        terminal.fail(f"{played.count(False)} of {len(played)} videos failed.")
