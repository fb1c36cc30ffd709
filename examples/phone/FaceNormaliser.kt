package com.example.facenormaliser

import android.content.res.AssetManager
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Matrix
import android.graphics.Paint
import android.graphics.RectF
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import kotlin.math.max
import kotlin.math.roundToInt

/** The shapes of keras_3dmmstn-*.tflite with the bundled face model, as in the .json beside it. */
object Shapes {
    const val IMAGE = 224 // pixels a side, 3 floats each: R, G, B in 0..255
    const val PARAMETERS = 70
    const val LANDMARKS = 68 // x and y each, in pixels of the image
    const val TEXTURE = 112 // pixels a side, 3 floats each; the `--texture-size` of the export
    const val MASK = 112 // the same, 1 float each
    const val SHARE = 1.7f // side of the crop in larger sides of the landmarks' box
}

/**
 * What the network says of a face: landmarks as x, y, x, y, ... in pixels of the frame, and the
 * probability, 0 to 1, that it is a face and fitted right.
 */
class NormalisedFace(
    val texture: Bitmap,
    val landmarks: FloatArray,
    val parameters: FloatArray,
    val confidence: Float,
    /** How far off each landmark may be, in √(w·h) of their box. */
    val spread: FloatArray,
) {

    /** The tight box of the landmarks: where to look for the face in the next frame. */
    fun box(): RectF {
        val xs = landmarks.filterIndexed { i, _ -> i % 2 == 0 }
        val ys = landmarks.filterIndexed { i, _ -> i % 2 == 1 }
        return RectF(
            xs.reduce(::minOf), ys.reduce(::minOf), xs.reduce(::maxOf), ys.reduce(::maxOf)
        )
    }
}

/**
 * Normalises faces of camera frames, with LiteRT's CompiledModel. Not for several threads at once.
 *
 * [name] is that of the .tflite file among the [assets].
 */
class FaceNormaliser(assets: AssetManager, name: String) : AutoCloseable {
    private val model = CompiledModel.create(assets, name, CPU)
    private val image = FloatArray(Shapes.IMAGE * Shapes.IMAGE * 3)
    private val input = mapOf("image" to model.createInputBuffer("image"))
    private val outputs = OUTPUTS.associateWith { model.createOutputBuffer(it) }

    /**
     * Normalises one face of an upright frame, mirrored or not.
     *
     * [box] is the tight box of the 68 landmarks in pixels of the frame, from pixel centre to pixel
     * centre: that of the previous frame, or at first a detector's.
     */
    fun normalise(frame: Bitmap, box: RectF): NormalisedFace {
        val scale = Shapes.IMAGE / (Shapes.SHARE * max(box.width(), box.height()))
        fill(crop(frame, box, scale))
        input.getValue("image").writeFloat(image)
        model.run(input, outputs)

        val middle = (Shapes.IMAGE - 1) / 2f
        val centre = floatArrayOf(box.centerX(), box.centerY())
        val landmarks = output("landmarks")
        val inFrame = FloatArray(landmarks.size) { i ->
            (landmarks[i] - middle) / scale + centre[i % 2]
        }
        val picture = picture(output("texture"), output("mask"))
        return NormalisedFace(
            picture, inFrame, output("parameters"), output("confidence")[0], output("spread"),
        )
    }

    override fun close() {
        (input.values + outputs.values).forEach(TensorBuffer::close)
        model.close()
    }

    private fun output(name: String) = outputs.getValue(name).readFloat()

    /** Cuts out the square about the middle of the box; outside of the frame it is black. */
    private fun crop(frame: Bitmap, box: RectF, scale: Float): Bitmap {
        var source = frame
        var zoom = 1f
        // A Canvas takes the nearest four pixels: a frame that shrinks more is halved first.
        while (scale / zoom < 0.5f) {
            source = Bitmap.createScaledBitmap(source, source.width / 2, source.height / 2, true)
            zoom /= 2
        }
        // A Canvas counts from the border of the first pixel, boxes from its centre.
        val matrix = Matrix()
        matrix.postScale(scale / zoom, scale / zoom)
        matrix.postTranslate(
            Shapes.IMAGE / 2f - scale * (box.centerX() + 0.5f),
            Shapes.IMAGE / 2f - scale * (box.centerY() + 0.5f)
        )
        val square = Bitmap.createBitmap(Shapes.IMAGE, Shapes.IMAGE, Bitmap.Config.ARGB_8888)
        val canvas = Canvas(square)
        canvas.drawColor(Color.BLACK)
        canvas.drawBitmap(source, matrix, Paint(Paint.FILTER_BITMAP_FLAG))
        return square
    }

    /** Writes the pixels of a square as R, G, B. */
    private fun fill(square: Bitmap) {
        val pixels = IntArray(Shapes.IMAGE * Shapes.IMAGE)
        square.getPixels(pixels, 0, Shapes.IMAGE, 0, 0, Shapes.IMAGE, Shapes.IMAGE)
        pixels.forEachIndexed { i, pixel ->
            image[3 * i] = Color.red(pixel).toFloat()
            image[3 * i + 1] = Color.green(pixel).toFloat()
            image[3 * i + 2] = Color.blue(pixel).toFloat()
        }
    }

    /** Returns the texture, transparent where the face hides itself. */
    private fun picture(texture: FloatArray, mask: FloatArray): Bitmap {
        val pixels = IntArray(Shapes.TEXTURE * Shapes.TEXTURE) { i ->
            val alpha = if (mask[i] > 0) 255 else 0
            val (red, green, blue) = (0..2).map { level(texture[3 * i + it]) }
            Color.argb(alpha, red, green, blue)
        }
        val side = Shapes.TEXTURE
        return Bitmap.createBitmap(pixels, side, side, Bitmap.Config.ARGB_8888)
    }

    private fun level(value: Float) = value.roundToInt().coerceIn(0, 255)

    private companion object {
        val OUTPUTS = listOf("parameters", "landmarks", "texture", "mask", "confidence", "spread")

        // The geometry's operators are too small to share.
        val CPU = CompiledModel.Options(Accelerator.CPU).apply {
            cpuOptions = CompiledModel.CpuOptions(numThreads = 1)
        }
    }
}
