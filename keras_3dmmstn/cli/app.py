"""The commands of `keras-3dmmstn`, one in each file."""

import inspect
import re

import typer

from keras_3dmmstn.cli import (
    evaluate,
    export,
    fuse,
    normalise,
    program,
    train,
    train_confidence,
    train_stages,
    video,
    web,
)
from keras_3dmmstn.cli.data import convert, turn
from keras_3dmmstn.cli.data import inspect as inspect_data
from keras_3dmmstn.cli.face_model import build, render, sample, steady
from keras_3dmmstn.cli.face_model import inspect as inspect_face_model
from keras_3dmmstn.cli.figure import mean_texture, person, pipeline, textures, uv
from keras_3dmmstn.cli.verbosity import with_verbosity


def _group(*commands, **options):
    """Returns an app of commands."""
    app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, **options)
    for command in commands:
        app.command(help=help_text(command))(with_verbosity(command))
    return app


def help_text(command):
    """Returns a command's docstring, one line per paragraph; the terminal wraps the lines."""
    paragraphs = re.split(r"\n\s*\n", inspect.getdoc(command) or "")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


app = _group(
    normalise.normalise,
    video.video,
    fuse.fuse,
    train.train,
    train_confidence.train_confidence,
    train_stages.train_stages,
    evaluate.evaluate,
    export.export,
    web.web,
    callback=program.program,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(
    _group(
        convert.convert,
        inspect_data.inspect,
        turn.turn,
        name="data",
        help="Inspect labelled photographs and store crops for training.",
    )
)
app.add_typer(
    _group(
        build.build,
        inspect_face_model.inspect,
        render.render,
        sample.sample,
        steady.steady,
        name="face-model",
        help="Face models: from a published 3DMM to a flattened grid.",
    )
)
app.add_typer(
    _group(
        uv.uv,
        pipeline.pipeline,
        person.person,
        mean_texture.mean_texture,
        textures.textures,
        name="figure",
        help="The paper's figures, made from any photographs.",
    )
)
