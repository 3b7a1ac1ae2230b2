"""The questions of 03_ifv_vs_cnn, with letters to choose from."""

from lecture_lib.exercises.choosing import choices

QUESTIONS = choices(
    "03.6",
    "c d c b a",
    [
        {
            "a": "that is the number of Gaussians; each has two vectors, and a descriptor has 80 numbers.",
            "b": "that is K D, with u_k alone; there are v_k, too.",
            "c": "2 K D: for each Gaussian u_k and v_k, of 80 numbers each.",
            "d": "that is one descriptor after PCA.",
        },
        {
            "a": "PCA sees descriptors, and no label.",
            "b": "the mixture is fitted to descriptors by EM, and no label is used.",
            "c": "the square root has nothing to learn.",
            "d": "all before it is learned without labels, or not learned at all.",
        },
        {
            "a": "PCA turns descriptors; there are as many of the wall after it.",
            "b": "all bricks go to the same Gaussians, softly or not, and add up there.",
            "c": "a thousand times the same descriptor counts about 30 times as much as one, not 1000 times.",
            "d": "the place tells bricks apart, which share out among more Gaussians, and still add up.",
        },
        {
            "a": "from the same pixels the two are closer; the encoding is not all of the gap.",
            "b": "with less to see, the IFV loses ten of its twenty-two points; the rest is owed to the encoding.",
            "c": "nothing was measured on photographs here, and another network made their vectors.",
            "d": "the same SVM and the same choice of C serve both.",
        },
        {
            "a": "f, in training: every view is a sample of its own; s, at test: the views' vectors are summed.",
            "b": "the first letter is about training, the second about testing.",
            "c": "(F) is the picture and its mirror image; f, in small, says what becomes of views.",
            "d": "stacked views are t.",
        },
    ],
)
