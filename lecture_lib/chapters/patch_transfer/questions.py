"""The questions of 05_patch_transfer, with letters to choose from."""

from lecture_lib.exercises.choosing import choices

QUESTIONS = choices(
    "05.6",
    "b b d a c",
    [
        {
            "a": "every patch has phi, whatever it shows.",
            "b": "most patches are background, and the loss would hardly notice the others.",
            "c": "all of them would fit on the disk; it is the loss that they would rule.",
            "d": "background needs no box, but the boxes say which patches have none.",
        },
        {
            "a": "it has 30 % of the object; a positive has 60 % or more.",
            "b": "it is large enough in the patch, but 30 % of the object are less than 60 %: nothing is contained.",
            "c": "ambiguous is what contains an object and overlaps another.",
            "d": "`difficult` is a mark that people gave, not a matter of size.",
        },
        {
            "a": "both shrink, but not alike: the ratio is taken to the power k.",
            "b": "y is between 0 and 1, so its powers shrink, those of the smaller one faster.",
            "c": "0.3 to the power 20 is tiny, but not 0.",
            "d": "(0.3 / 0.9)^20 = 3^-20, less than a billionth.",
        },
        {
            "a": "a patch's label comes from a box; scores and maps need none.",
            "b": "the score is a mean over all patches, wherever they lie.",
            "c": "a map sums the patches that cover a pixel.",
            "d": "phi was learned from whole pictures of the source, with labels only.",
        },
        {
            "a": "both are made of the same y^k.",
            "b": "neither has seen a box.",
            "c": "one sure patch in a corner is a mean of one, and wins against a middle that many patches agree on.",
            "d": "the mean, too, takes all nine scales.",
        },
    ],
)
