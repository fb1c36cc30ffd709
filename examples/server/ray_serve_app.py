"""Faces in photographs by Ray Serve: the exported SavedModel, requests put together in batches.

    pip install "ray[serve]" tensorflow
    MODEL=exported/keras_3dmmstn/1 serve run --app-dir examples/server ray_serve_app:app
    curl --data-binary @holiday.jpg "http://localhost:8000/?box=88,87,181,179"

The answer is JSON: `landmarks` and `parameters` in pixels of the photograph. With a status of 400
it is `status` and `message` of the SavedModel, of this photograph alone.
"""

import asyncio
import os

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

# In bytes. The SavedModel bounds the pixels, the server what it reads.
LARGEST_BODY = 50_000_000
# In seconds: how long a client may take to send its photograph, and keep a place from the others.
LONGEST_WAIT = 20
INVALID_ARGUMENT, DEADLINE_EXCEEDED, GOOD = 3, 4, 0


@serve.deployment(
    num_replicas=int(os.environ.get("REPLICAS", "2")),
    max_ongoing_requests=32,  # two full batches: one is answered while the next one comes in
    health_check_period_s=5,
    health_check_timeout_s=10,
)
class Faces:
    """A copy of the network."""

    def __init__(self, model: str) -> None:
        import tensorflow as tf

        self.model = tf.saved_model.load(model)
        self.signature = self.model.signatures["serving_faces"]
        self.constant, self.cast = tf.constant, tf.cast
        self.black = tf.io.encode_png(tf.zeros((64, 64, 3), tf.uint8)).numpy()
        for batch in (1, 16):  # what the first of a shape builds is not left to a client
            self._predict([self.black] * batch, [[16.0, 16, 48, 48]] * batch)

    def check_health(self) -> None:
        """Raises if the network does not answer; Ray then puts another copy in its place."""
        (answer,) = self._predict([self.black], [[16.0, 16, 48, 48]])
        if answer["status"] != GOOD:
            raise RuntimeError(answer["message"])

    async def __call__(self, request: Request) -> JSONResponse:
        """Answers a POST of a photograph, with its box in the query."""
        body = bytearray()
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                async for part in request.stream():
                    body += part
                    if len(body) > LARGEST_BODY:
                        message = f"Expected a photograph of at most {LARGEST_BODY:,} bytes."
                        return JSONResponse({"status": INVALID_ARGUMENT, "message": message}, 413)
        except TimeoutError:
            message = f"Expected a photograph within {LONGEST_WAIT} seconds."
            return JSONResponse({"status": DEADLINE_EXCEEDED, "message": message}, 408)
        text = request.query_params.get("box", "")
        try:
            box = [float(number) for number in text.split(",")]
        except ValueError:
            box = []
        if len(box) != 4:
            message = f"Expected box=x0,y0,x1,y1 in the query, received {text!r}."
            return JSONResponse({"status": INVALID_ARGUMENT, "message": message}, 400)
        answer = await self.answer(bytes(body), box)
        return JSONResponse(answer, 200 if answer["status"] == GOOD else 400)

    # Beyond 16 a face does not get cheaper; see docs/serving.md.
    @serve.batch(max_batch_size=16, batch_wait_timeout_s=0.002)
    async def answer(self, files: list[bytes], boxes: list[list[float]]) -> list[dict]:
        """Answers the requests that came in together; a bad one does not fail the others."""
        return await asyncio.to_thread(self._predict, files, boxes)

    def _predict(self, files, boxes):
        """Returns for each photograph what is sent as JSON."""
        # By way of 64 bits: a number that 32 cannot hold is one box's fault, not that of the batch.
        numbers = self.cast(self.constant(boxes, "float64"), "float32")
        outputs = self.signature(encoded=self.constant(files), boxes=numbers)
        arrays = {n: outputs[n].numpy() for n in ("status", "message", "landmarks", "parameters")}
        answers = []
        for place in range(len(files)):
            status, message = int(arrays["status"][place]), arrays["message"][place].decode()
            answers.append({"status": status, "message": message})
            if status == GOOD:
                for name in ("landmarks", "parameters"):
                    answers[-1][name] = arrays[name][place].tolist()
        return answers


app = Faces.bind(os.environ.get("MODEL", "exported/keras_3dmmstn/1"))
