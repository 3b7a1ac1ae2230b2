"""The questions of 07_domain_adaptation, with letters to choose from."""

from lecture_lib.exercises.choosing import choices

QUESTIONS = choices(
    "07.5",
    "b c a d b",
    [
        {
            "a": "(S) has no label of the target at all.",
            "b": "both domains' labelled pictures, as though they were of one.",
            "c": "(T) has those of the target alone.",
            "d": "the test pictures' labels are nobody's to train on.",
        },
        {
            "a": "no label of a test picture is used.",
            "b": "source and target are standardised each by itself in both cases.",
            "c": "their vectors, without labels, say what mean and deviation are: fine where all are there beforehand.",
            "d": "it is about test pictures, not about those of the source.",
        },
        {
            "a": "stay = 2 C_t / gamma is 20,000: any A but I costs more than all errors together.",
            "b": "C_s and C_t weigh errors against each other; the SVMs still see both domains.",
            "c": "two rounds are enough for A to move where it is allowed to, as the other constants show.",
            "d": "20 components leave 420 numbers in A, more than enough to move.",
        },
        {
            "a": "that (T) is below (S) says that three labels are few.",
            "b": "that adaptation gains little is a small effect, not a negative one.",
            "c": "that is the usual order.",
            "d": "more data made it worse: the source's labels pulled the classifier away from what the target shows.",
        },
        {
            "a": "the integral is over one and the same subspace, which is not all of the space.",
            "b": "x G x' is then the inner product of the two projections: nothing is adapted.",
            "c": "G is P P^T, of d dimensions; directions outside of it are still lost.",
            "d": "the angles are 0, and B1 is 1: nothing vanishes.",
        },
    ],
)
