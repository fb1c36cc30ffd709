"""`keras-3dmmstn video`: faces in videos and from cameras, tracked and smoothed."""

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
        help="Folder for the results. Created if it does not exist. Optional for a camera that is "
        "shown in a window."
    ),
]
CameraSource = Annotated[
    str | None,
    typer.Option(
        "--camera", help="Number of a camera, 0 for the first one, or the URL of a stream."
    ),
]
SmoothingStrength = Annotated[
    float, typer.Option("--smoothing", help="How much jitter is removed: from 0 (none) to 1.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="Format of the videos written: mp4, quick to write, or webm, which browsers play.",
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
    """Track the faces in videos, or from a camera.

    For each video, writes the video with the fitted meshes, a video of each face's texture, one
    texture of each face from its best frames, and the numbers of all frames as CSV and NumPy
    arrays. Each face keeps its number for as long as it is tracked. Earlier results of the same
    video are replaced, those of others never.

    A camera is shown in a window until q is pressed, or Ctrl-C if there is no window. What was
    seen until then is written if --out is given.

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
        normaliser.track([], smoothing=smoothing)  # checks that its face model has the landmarks
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
