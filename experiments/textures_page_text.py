"""What the page of the textures' quality says beside its tables."""

INTRODUCTION = """\
# How good the textures are

`python experiments/textures.py` and `python experiments/mean_textures.py` measure the textures
themselves, `python experiments/textures_page.py` makes this page from their results, and
`keras-3dmmstn face-model inspect` prints the widths and areas of any face model. Each column is a
set of weights with its face model. The second edition was measured with earlier weights and its
first layout, in which the inside of the mouth had three rows of the texture and the inward curl of
the lips had many. The third has eight rows for the inside, the fourth five, with the same weights.
In the last two columns the network sees each face twice, as it does now, and the mean counts. In
all other columns, and in the mean textures, it sees each face once. The last column has the weights
that are bundled now, trained from scratch; the one before it has those of the fourth column.

Numbers do not say whether a texture looks like the person: `python experiments/texture_montage.py
FOLDER --weights A B` draws 50 faces as textures and front views of one or several sets of
weights. Photographs of most data sets may not be shown, so here are two that may, with the first
edition in the middle and the fourth on the right:

![two photographs, with textures and front views of both editions](figures/texture_editions.jpg)

Eileen Collins by NASA and Grace Hopper by James S. Davis, US Navy, both in the public domain."""

LAYOUT = """\
Widths in the texture as shares of the distance between the outer eye corners there, and how much of
the mean face a cell of the grid covers."""

LABELS = """\
Each of the 68 hand-placed labels of 300-W AFW is taken to the nearest visible place of the fitted
grid in the photograph; those that are further than 5 % of √(w·h) of their box from it do not count.
How far these places scatter about their mean over the photographs is given as the root of the mean
square (the median) in texels at 224, in millimetres of the mean face, and in % of the distance of
the outer eye corners in the texture. A model whose texture shows more of the eyes and the mouth has
more texels there: the last two compare models fairly. Jaw labels slide along the contour when the
head turns, so they scatter most."""

BACKGROUND = """\
The share of a texture's visible texels, and of their area on the mean face, that lie below the line
of the brows and outside the face in the photograph. The face is the polygon of the jaw labels,
closed by half an ellipse over the forehead, together with the hull of brows, eyes, nose and mouth;
a margin of 2 % of √(w·h) counts as face. The photographs are those of 300-W AFW, their number is in
parentheses, and yaw is that of the fits."""

DIFFERENCE = """\
The mean absolute difference of two textures at 112 × 112 after a gain for each channel, over what
both see, in grey levels of 255: for pairs of one person, and of two. The first two numbers count
each texel alike, the last two by its area on the mean face, which does not depend on the layout.
The boxes of CFP are estimated from its 30 labelled points, as `evaluate --estimate-boxes` does;
CFP's pairs are those of its protocol, folds 1 to 3."""

VERIFICATION = """\
The same pairs, told apart by the correlation of two pictures over what both see: the textures, or
plain crops, the square of the box. "Local contrast" evens brightness and contrast out around each
place (a Gaussian of 1/14 of the side), "brightness" takes them as they are. Area under the ROC
curve and equal error rate, in %: an area of 50 % is chance. No network that recognises people takes
part: this measures the pictures."""

MEANS = """\
The mean texture of each of ten people of LFW: by the paper's Figure 8 at the grid's size, by
`figure mean-texture --no-align`, and by `figure mean-texture`. The gradient energy is the mean
square of the gradient of brightness along the mean face's surface, in (grey levels / mm)², over the
texels that half of the photographs see. The second number is 1,000 times that over the variance of
brightness (1 / mm²): it does not grow with contrast."""

MONTAGE = """\
The data sets' photographs are not free to be shown here. This draws fifty textures of your own
photographs, ten in a row, with the bundled weights, and then with others:

```
keras-3dmmstn figure textures photographs --out textures.jpg
keras-3dmmstn figure textures photographs --weights run --out textures_of_run.jpg
```"""
