"""Linear classifiers on features that stay as they are: SVM, logistic regression, the choice of C, kernels."""

from lecture_lib.linear.kernels import Kernel, classify, kernel
from lecture_lib.linear.learners import Linear, drop_features, logistic_regression, svm
from lecture_lib.linear.selection import CS, KERNEL_CS, Choice, choose, folds
