"""The pages of the Learn tab: one for each idea and each family of networks, with an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Picture = Literal["bits", "ratios", "retinex", "patches", "curve", "blocks", "board"]


@dataclass(frozen=True)
class Lesson:
    """One page."""

    name: str
    title: str
    paragraphs: tuple[str, ...]
    picture: Picture
    caption: str
    example: str
    """Name of the bundled photo."""
    model: str
    """An architecture, of which the first installed weights are used, or a classical method."""
    ratio: float | None
    """None for the suggested ratio."""
    tab: str
    blocks: tuple[tuple[int, int], ...] = ()
    """Blocks of the diagram as (reduction, channels), from input to output."""


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "raw",
        "Why 14-bit RAW",
        (
            "A sensor counts light in some sixteen thousand steps; a JPEG keeps 256, spread for the eye and not for "
            "arithmetic. In a photo with a hundredth of the light only the lowest 26 of those 256 are used.",
            "Multiply both by a hundred: the RAW still has a smooth ramp under its noise, the JPEG a staircase. Where "
            "noise is smaller than a step, no network can know what lay between two steps. So the strongest networks "
            "here start from the mosaic.",
        ),
        "bits",
        "A clean photo with 1/300 of the light, brightened again: left from 14 bits, right from an 8-bit picture.",
        "espresso",
        "lamba_m0",
        None,
        "restore",
    ),
    Lesson(
        "ratio",
        "What the amplification does",
        (
            "Before the network sees the photo, its linear light is multiplied by one number from 1 to 300. Too little "
            "leaves the network in the dark; too much clips what was bright, and no network brings that back.",
            "Networks trained on pairs learned the number as the ratio of two exposure times. If there is "
            "only one photo, it must be guessed from the photo itself: the small mark on the slider is that guess.",
        ),
        "ratios",
        "The same photo amplified 3, 12 and 48 times, without any network.",
        "still_life",
        "lamba_m0",
        12.0,
        "compare",
    ),
    Lesson(
        "retinex",
        "Retinex: surfaces and light",
        (
            "Land and McCann asked why a white shirt in the shade looks white although it reflects less light than "
            "a grey wall in the sun. Their answer: we see what surfaces reflect, R, and discount the light on them, I. "
            "A camera sees only the product, S = R · I.",
            "Splitting one number into two is impossible without a guess about the world: light changes smoothly, "
            "surfaces have edges. Classical methods state the guess; networks learn it from pairs of photos.",
        ),
        "retinex",
        "The photo, its light, and what remains when the light is divided out (by LIME).",
        "cat",
        "retinexnet",
        None,
        "retinex",
    ),
    Lesson(
        "discriminator",
        "What a discriminator sees",
        (
            "A network that is only asked to be close on average paints the average of all possible originals: "
            "grey mush where there was fur. A second network, the discriminator, is trained to tell restored photos "
            "from real ones, and the first one is trained to fool it.",
            "The PatchGAN does not judge the whole photo. Each of its answers sees a window of 70 × 70 pixels, so "
            "it knows texture and sharpness and leaves the composition to the plain difference in the loss.",
        ),
        "patches",
        "Three of the windows, 70 pixels wide, over a photo of 256 pixels.",
        "cat",
        "pix2pix",
        None,
        "compare",
    ),
    Lesson(
        "sid_unet",
        "SID's U-Net",
        (
            "Learning to See in the Dark (Chen, Chen, Xu and Koltun, CVPR 2018) showed that one plain U-Net, fed with "
            "the packed mosaic, replaces the whole pipeline of demosaicing, white balance, tone and denoising.",
            "It halves the picture four times and comes back, passing every size across to the other side. The price "
            "is its arithmetic: about 390 billion multiplications for 8 megapixels.",
        ),
        "blocks",
        "Size by height, channels by width: down to a sixteenth of the packed mosaic, and back.",
        "espresso",
        "sid_unet",
        None,
        "restore",
        ((2, 32), (4, 64), (8, 128), (16, 256), (32, 512), (16, 256), (8, 128), (4, 64), (2, 32), (1, 3)),
    ),
    Lesson(
        "lamba",
        "Lamba & Mitra: real time",
        (
            "Restoring Extremely Dark Images in Real Time (CVPR 2021) asks where a U-Net spends its time: at full "
            "size. So M0 folds the mosaic into channels, 32 × 32 pixels into one position, and does nearly all of its "
            "work there, at a thousandth of the positions.",
            "Unlike pooling, folding throws nothing away. Two light branches at an eighth and at half size bring "
            "back the detail. M1 and M2 spend more at the finer sizes. Open its layers in Feature maps to see the "
            "three rows.",
        ),
        "blocks",
        "Three branches: most of the work at 1/32 of the size, a little at 1/8 and 1/2.",
        "still_life",
        "lamba_m0",
        None,
        "features",
        ((32, 128), (32, 64), (32, 192), (32, 224), (32, 224), (32, 64), (8, 64), (8, 192), (2, 24), (1, 3)),
    ),
    Lesson(
        "retinexnet",
        "RetinexNet",
        (
            "Deep Retinex Decomposition (Wei, Wang, Yang and Liu, BMVC 2018) trains one network to split dark and "
            "bright photos of a scene so that both share their reflectance, and another to brighten the dark light.",
            "Reflectance contains the noise too, because dark areas are divided by little light. Look at the "
            "reflectance in the deepest shade, then at the residual, which should be nearly black.",
        ),
        "blocks",
        "Decom-Net at full size, then Relight-Net through three halvings and back.",
        "cat",
        "retinexnet",
        None,
        "retinex",
        ((1, 64), (1, 64), (1, 64), (1, 4), (1, 64), (2, 64), (4, 64), (8, 64), (4, 64), (2, 64), (1, 64), (1, 1)),
    ),
    Lesson(
        "pix2pix",
        "pix2pix",
        (
            "Image-to-Image Translation with Conditional Adversarial Networks (Isola, Zhu, Zhou and Efros, CVPR 2017): "
            "a U-Net with eight halvings draws, and a discriminator that sees both the dark photo and the answer "
            "judges.",
            "Below a certain size the network sees the whole picture at once, which decides the colours. It was "
            "trained at 256 pixels, so the fine texture of larger photos is the discriminator's invention: judge it "
            "with care.",
        ),
        "blocks",
        "Eight halvings, down to a single position that knows the whole photo.",
        "astronaut",
        "pix2pix",
        None,
        "compare",
        (
            (2, 64),
            (4, 128),
            (8, 256),
            (16, 512),
            (32, 512),
            (64, 512),
            (64, 512),
            (32, 512),
            (16, 512),
            (8, 256),
            (4, 128),
            (2, 64),
            (1, 3),
        ),
    ),
    Lesson(
        "res_unet",
        "A U-Net on a ResNet",
        (
            "Here the way down is a ResNet, a network made for recognising things, and the way up unfolds its maps "
            "step by step. Residual layers add to their input instead of replacing it, which keeps deep networks "
            "trainable.",
            "It comes in two versions that differ only in their input: developed at 16 bits, or from 8 bits. Compare "
            "them on one photo to see what the missing bits cost.",
        ),
        "blocks",
        "A residual encoder with four halvings and a decoder with skips.",
        "launchpad",
        "res_unet",
        None,
        "compare",
        ((2, 64), (4, 64), (8, 128), (16, 256), (32, 512), (16, 256), (8, 128), (4, 96), (2, 96), (1, 3)),
    ),
    Lesson(
        "zero_dce",
        "Zero-DCE: learning without bright photos",
        (
            "Zero-Reference Deep Curve Estimation (Guo and others, CVPR 2020) needs no bright photos to learn from. "
            "It only asks that its result look like a good exposure: middle brightness, grey on average, "
            "neighbours in their order.",
            "For every pixel it bends a curve, x + r · (x² − x), eight times with eight maps r. A curve cannot move "
            "noise, so it stays; but nothing is invented either.",
        ),
        "curve",
        "The curve after eight steps with r = −0.2, −0.5 and −0.8.",
        "launchpad",
        "zero_dce",
        None,
        "retinex",
    ),
    Lesson(
        "sci",
        "SCI: 258 parameters",
        (
            "Toward Fast, Flexible and Robust Low-Light Image Enhancement (Ma and others, CVPR 2022) trains a cascade "
            "whose stages correct each other, and then keeps one: a few small convolutions that estimate the light, "
            "by which the photo is divided.",
            "It runs in a moment on anything. Its light follows every edge, so the result is flat rather than "
            "smooth: draw a line in the Retinex tab and compare its profile with RetinexNet's.",
        ),
        "blocks",
        "Three small convolutions at full size: nothing is halved.",
        "launchpad",
        "sci",
        None,
        "retinex",
        ((1, 3), (1, 3), (1, 3)),
    ),
    Lesson(
        "classical",
        "Before networks",
        (
            "Gamma and histogram equalisation treat every pixel only by its value; CLAHE does so tile by tile, with a "
            "limit that keeps noise down. Retinex methods divide by a blurred photo. LIME (Guo, Li and Ling, TIP 2017) "
            "smooths the brightest channel but keeps its edges, and divides by that.",
            "They need no training and no weights, and they never invent anything. A network worth its time should "
            "beat them in the Compare tab: check whether it does.",
        ),
        "retinex",
        "A photo, the light that LIME finds in it, and the photo divided by that light.",
        "launchpad",
        "lime",
        None,
        "compare",
    ),
    Lesson(
        "leaderboard",
        "Which checkpoint?",
        (
            "A network is good at what it was trained on, and best at the very same scenes. So the answer depends on "
            "your photo, and figures count only if the network had not seen the pictures. All of these were "
            "measured by this project; none comes from a paper.",
            "Plain PSNR also punishes wrong brightness, which the slider corrects in a moment. GT-mean PSNR "
            "forgives it: look at that column if you are going to set the brightness yourself.",
        ),
        "board",
        "The best of those that certainly saw none of the scenes, then every set in full.",
        "astronaut",
        "lynx",
        None,
        "compare",
    ),
)
