"""Questions of the notebooks on training: a conditional GAN, a network of your own."""

from __future__ import annotations

from math import log

from explorer.widgets.questions import Question

QUESTIONS = (
    Question(
        "7.no_idea",
        "A discriminator that has no idea says p = 1/2 to everything. What is its loss $\\mathcal L_D$?",
        log(2),
        "Half of log 2 + log 2, which is 0.693. If you see this number during a training, the generator fools it, or "
        "it has learnt nothing yet.",
    ),
    Question(
        "7.saturated",
        "The discriminator has won: it says p = 0.001 to everything generated. How large is the gradient of −log p "
        "with respect to the logit, without its sign?",
        0.999,
        "It is −(1 − p), almost −1: as large as it can be. The older loss log(1 − p) would leave −p, next to nothing; "
        "that is why −log p is used. A large gradient need not be an informative one: it says “other”, not which.",
    ),
    Question(
        "7.lambda",
        "The same training <b>without the difference</b> (λ = 0): only the critic counts. What will the picture look "
        "like?",
        "further from the truth, with patterns and colours that are not in the photo",
        "Nothing asks for this photo any more, only for windows that this critic accepts as photographs, and after so "
        "few steps it is easily pleased.",
        (
            "smoother and closer to the truth",
            "further from the truth, with patterns and colours that are not in the photo",
            "the same",
        ),
    ),
    Question(
        "8.hold_out",
        "Why hold out crops of <b>other</b> photographs, and not four more of the same three?",
        "crops of one photo look alike, so the score would be too good",
        "A network that has seen one half of a cat knows much about the other half. What is measured must be new.",
        (
            "crops of one photo look alike, so the score would be too good",
            "to have more data for training",
            "it makes no difference",
        ),
    ),
    Question(
        "8.first_picture",
        "The network begins with random weights. What will its <b>first</b> picture look like?",
        "almost like the dark photo",
        "Fresh weights are small, so all r are near 0, and a curve with r = 0 changes nothing. It is a gentle place to "
        "begin.",
        ("black", "random colours", "almost like the dark photo", "almost like the well-lit photo"),
    ),
    Question(
        "8.longer",
        "A training runs for all its steps. Which of its weights will be best on <b>new</b> photographs?",
        "those of the best validation score",
        "The loss on the training crops falls almost to the end, whatever happens elsewhere. Where the validation "
        "curve turns down, training on is learning by heart: keep the weights of its peak.",
        ("the last ones", "those of the smallest training loss", "those of the best validation score"),
    ),
)
